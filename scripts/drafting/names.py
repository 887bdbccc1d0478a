"""Old names: what our own notices say was renamed, and drafts that use the old name or the new one.

Hardly a document of the data renames anything; these notices were written beside the rules that read them.
"""

from embeddings import Collection, read

_NOTICES = (
    ("市经济委员会更名为市工业和信息化局。", ("市经济委员会",), "市工业和信息化局"),
    ("组建市生态环境局，为市政府组成部门。不再保留市环境保护局。", ("市环境保护局",), "市生态环境局"),
    (
        "将有关职责整合，组建市市场监督管理局，不再保留市质量技术监督局、市食品药品监督管理局。",
        ("市质量技术监督局", "市食品药品监督管理局"),
        "市市场监督管理局",
    ),
    ("全市深化改革领导小组改为市委全面深化改革委员会。", ("全市深化改革领导小组",), "市委全面深化改革委员会"),
    ("市政府决定将市卫生和计划生育委员会改名为市卫生健康委员会。", ("市卫生和计划生育委员会",), "市卫生健康委员会"),
    ("市应急管理局（原市安全生产监督管理局）负责解释。", ("市安全生产监督管理局",), "市应急管理局"),
    ("有关材料报市国土资源局（现市自然资源局）存档。", ("市国土资源局",), "市自然资源局"),
    ("原市林业局调整为市林业和草原局，职责不变。", ("市林业局",), "市林业和草原局"),
    ("国务院同意撤销云山县，设立县级云山市。", ("云山县",), "云山市"),
    ("每年一次的全市金融工作会议改称市委金融工作会议。", ("全市金融工作会议",), "市委金融工作会议"),
    ("市旅游局和市广电局合并组建市文化广电和旅游局。", ("市旅游局", "市广电局"), "市文化广电和旅游局"),
    ("青川职业学校升格为青川职业技术学院。", ("青川职业学校",), "青川职业技术学院"),
)  # fmt: skip
_NO_RENAMING = (
    "住宅用途改为商业用途的，应当报市规划局批准。",
    "将行政复议期限调整为六十日，由县人民政府公布。",
    "两个科室合并为一个办公室办公，由市财政局保障经费。",
    "会议由每季度召开改为每月召开，由县应急委负责召集。",
)


def measure_names(collection: Collection) -> dict[str, int]:
    """`told` are old names that are warned of with the new one, `falsely_told` new names and ones that were not
    renamed at all."""
    texts = [f"关于第{n}件事项的通知\n{notice}" for n, (notice, _, _) in enumerate(_NOTICES, start=1)]
    texts += [f"关于第{n}项规定的说明\n{words}" for n, words in enumerate(_NO_RENAMING, start=1)]
    collection.add([read(text.encode(), filename=f"{n}.txt") for n, text in enumerate(texts)])
    figures = {"old": 0, "told": 0, "new": 0, "falsely_told": 0}
    for _, olds, new in _NOTICES:
        for old in olds:
            warnings = collection.similar(f"请{old}牵头，于本月底前报送进展。").superseded
            figures["old"] += 1
            figures["told"] += any(new in warning.reason for warning in warnings)
        figures["new"] += 1
        figures["falsely_told"] += bool(collection.similar(f"请{new}牵头，于本月底前报送进展。").superseded)
    for words in _NO_RENAMING:
        figures["new"] += 1
        figures["falsely_told"] += bool(collection.similar(words).superseded)
    return figures
