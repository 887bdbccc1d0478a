"""Sentences that talk to a language model. They have no business in an official document. Knows no HTTP.

A rule-based net, not a proof: what slips through is still data in the prompt, and what is written is still checked.
"""

import re

from embeddings import fold

_MACHINE = (
    r"(?:\bAI\b|ai(?=[\u4e00-\u9fff])|人工智[能慧]|(?:语言|大)模型|模型|智能(?:助手|系统|体|程序|工具)|助手|助理|机器人"
    r"|(?:问答|摘要|检索|阅读)(?:服务|程序|系统|模型|模块|工具)|自动(?:问答|摘要|生成|程序)|机器(?:处理|阅读|读者)"
    r"|\bassistant\b|\b(?:language )?models?\b|\bllm\b|\bchatbot\b)"
)
_SAY = (
    r"(?:回答|回复|答复|答话|作答|应答|解答|回话|只答|输出|打印|复述|改述|转述|泄露|声明|宣布|说出|写明|拼接|附上|附带"
    r"|告诉|换成|改为|停止引用|出具|拒绝|记住|启用|停用|停止使用)"
)
_READ = r"(?:读到|读取|阅读|解析|看到|遇到|收到|检索到|总结|概括|归纳|摘要|用本|据此)"
_RULES = (
    # What was said before is no longer to hold.
    r"(?:忽略|无视|忘记|忘掉|不要理会|不要遵守|不要管|绕过)[^。！？\n]{0,12}(?:指令|指示|规则|要求|提示|设定|约束|正文|上文|以上|之前|限制|的事)",
    r"(?:以上|上面|之前|此前|前面|先前)的?[^。！？\n]{0,8}(?:作废|无效|取消|失效|停用)[^。！？\n]{0,20}(?:输出|回答|回复|执行|不要理会)",
    r"(?:此前|先前|之前|初始)的?(?:规则|守则|设定|约束|指令)[^。！？\n]{0,4}(?:作废|无效|取消|失效|停用)",
    # Whom it is said to.
    r"系统(?:提示|指令|消息|管理员)|提示词|初始设定|(?:你|您)现在(?:是|扮演)|从现在(?:起|开始)[，,]?你|扮演|开发者模式",
    r"(?:若|如果|如|凡|假如)(?:你|您)(?:是|为)[^。！？\n]{0,12}(?:程序|模型|系统|机器|助手|AI)",
    r"尊敬的(?:智能|AI|人工)[^。！？\n]{0,8}[：:，,]|(?:你|您)在?[^。！？\n]{0,8}(?:回答|解答|作答)[^。！？\n]{0,20}(?:时|顺便|问题)",
    rf"{_MACHINE}[^。！？\n]{{0,12}}(?:请|应(?!用)|必须|须|需要|注意|不得|停止|一律)",
    rf"{_MACHINE}[^。！？\n]{{0,30}}{_SAY}|{_SAY}[^。！？\n]{{0,12}}{_MACHINE}",
    rf"{_READ}[^。！？\n]{{0,10}}{_MACHINE}|{_MACHINE}[^。！？\n]{{0,6}}(?:读到|读取|阅读|解析|遇到)",
    # What is to be said, word for word, and in what form.
    r"(?:请|务必|必须|只|仅|直接|改为)[^。！？\n]{0,8}(?:输出|回答|回复|打印|复述|泄露)",
    r"(?:回答|回复|答复|作答|应答|告诉(?:他|她|用户|提问)|提示用户|宣布|声明|输出|说出|换成)[^。！？\n“「]{0,10}[“「『\"]",
    r"(?:回答|答复|答话|作答|回复|解答)[^。！？\n]{0,24}(?:写明|开头|起头|收尾|结尾|末尾|第一行|图片|链接|网址|格式规定)|每句话(?:的)?末尾",
    r"(?:作|答)为[^。！？\n]{0,10}唯一(?:答复|回答)|(?:照此|按此)作答|(?:总结|概括|摘要|转述)(?:本|此|这)(?:段|文|篇|件|通知|讲话)",
    r"不必(?:再)?(?:注明(?:来源|出处)|查阅原文)|不要再?引用(?:资料|来源)|出处编号|不要提(?:到|及)(?:本|这)段",
    # The same in English.
    r"(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}\b(?:instruction|prompt|rule|guidance|above|previous|everything)",
    r"system\s*prompt|you are now|act as\b|jailbreak|developer mode|do anything now|(?:earlier|previous) (?:guidance|instructions?)",
    r"\b(?:print|output|respond|reply|answer|say|reveal|repeat|write|translate|close)\b[^.!?\n]{0,40}\b(?:only|with|exactly|word|prompt|key|secret|into)",
    r"\btell the (?:reader|user)|\bdo not cite|\bto any ai\b",
    # What programs read and people do not see as text.
    r"<\|?/?\s*(?:im_start|im_end|system|user|assistant|endoftext|inst|s)\b|\[/?INST\]|#{2,}\s*(?:system|instruction|task)|```",
    r"^\s*(?:system|assistant|user|human|系统|助手|用户)\s*[:：]|用户的?(?:新)?问题\s*[:：]|助手(?:应答|回答|回复)?\s*[:：]",
    r"!?\[[^\]]{0,200}\]\(|</?[a-z][\w-]{0,40}(?:\s[^>]{0,200})?>|javascript:|data:text|(?:[A-Za-z0-9+/]{4}){5,}={0,2}",
    r"\"(?:role|system|developer|override|must_\w+|instructions?|suppress_\w+)\"\s*:",
)
_ORDER = re.compile("|".join(_RULES), re.IGNORECASE | re.MULTILINE)
_SENTENCE = re.compile(r"(?:[^。！？!?\n]|!(?=\[))*[。！？!?\n]?")
_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
# Nothing that shows: it hides words from people, or words from the rules above.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]|[\x00-\x08\x0b-\x1f\x7f]"
)


def without_orders(text: str) -> str:
    """`text` without what is hidden in it and without the sentences that talk to a language model."""
    shown = _COMMENT.sub("", _HIDDEN.sub("", text))
    kept = [sentence for sentence in _SENTENCE.findall(shown) if not _is_order(sentence)]
    # An order may be spread over sentences, so what is left is read once more as a whole.
    joined = "".join(kept)
    return "" if _is_order(joined) else joined


def _is_order(text: str) -> bool:
    return bool(_ORDER.search(fold(text)))
