"""The category that a report is about: the desk's own code for the words that senders use."""

from __future__ import annotations

import re

from incidents.contract import sealed_content
from incidents.values.word_list import WordList, fold

_CODES = {
    "child_abuse": sealed_content.WORDS,
    "phishing": r"phish\w*|social[ _-]engineering|credential (?:theft|harvest\w*)"
    r"|钓鱼|釣魚|仿冒网站|冒充网站|フィッシング|피싱|фишинг\w*|hameçonnage",
    "malware": r"malware|malicious (?:software|code|file)|trojan|ransomware|virus(?!-free)"
    r"|exploit[ _-]?kit|payload|恶意软件|惡意軟體|惡意程式|恶意代码|恶意程序|木马|病毒|挂马"
    r"|マルウェア|악성코드|вредонос\w*",
    "botnet": r"botnet\w*|command[ -](?:and|&)[ -]control|c2|c&c|infected[ _-]host|drone|僵尸网络",
    "spam": r"spam\w*|unsolicited|uce|ube|bulk[ _-]messaging|垃圾邮件|垃圾短信"
    r"|迷惑メール|스팸|спам\w*",
    "gambling": r"gambl\w*|casino|betting|赌博|賭博|博彩|赌场",
    "pornography": r"porn\w*|obscen\w*|色情|淫秽|黄色网站",
    "drugs": r"drugs?|narcotics?|毒品|违禁药品",
    "terrorism": r"terroris[mt]\w*|extremis[mt]\w*|恐怖主义|暴恐",
    "weapons": r"firearms?|枪支|弹药|管制刀具|爆炸物",
    "cult": r"邪教",
    "violence": r"violen(?:ce|t)|gore|暴力(?!破解)|血腥",
    "counterfeit": r"counterfeit\w*|trade ?mark\w*|brand[ _-]infringement|假冒|商标",
    "copyright": r"copyright\w*|dmca|pirac?y|infring\w*|著作权|版权|侵权|盗版|盜版|侵權|版權"
    r"|著作権|저작권|авторск\w*",
    "fraud": r"fraud\w*|scams?|诈骗|欺诈|詐騙|欺詐|诈欺|詐欺|사기|мошенни\w*",
    "defacement": r"deface\w*|篡改",
    "attack": r"brute[ -]?force|port[ _-]?scan\w*|ddos|login[ _-]?attack|sql[ _-]?injection"
    r"|scraping|reconnaissance|vulnerability[ _-]scan|hacking"
    r"|attack(?:s|ed|ing)? (?:on|from|against|our)|暴力破解|端口扫描|攻击",
    "vulnerability": r"vulnerab\w*|cve|open[ _-]service|openly accessible"
    r"|open (?:dns |recursive )?resolvers?|misconfiguration|amplification|漏洞",
    "compromised": r"compromised?\w*|web[ _-]?shell|hacked|后门|入侵",
    "rumour": r"rumou?rs?|谣言|虚假信息",
    "illegal_content": r"illegal content|违法(?:不良)?信息|违规信息|违法内容",
}  # fmt: skip
"""For each code the words by which it is recognised, those that say the most first."""
_GENERAL = "illegal_content"

_WORDS = {code: WordList(words) for code, words in _CODES.items()}


def of_words(*texts: str) -> str | None:
    """Return the code of the first text that names a category; None if none does.

    A text that only says "illegal" gives way to a later one that says more.
    """
    general = None
    for text in texts:
        plain = text[:20_000].replace("_", " ")
        folded = fold(plain)
        for code, words in _WORDS.items():
            if words.may_be_in(folded) and words.are_in(plain):
                if code != _GENERAL:
                    return code
                general = code
    return general


def of_type(name: str) -> str | None:
    """Return the code for a type that a format names: `login-attack`, `remote_compromise`.

    A type without a code of the desk is a code of its own.
    """
    plain = re.sub(r"[\s_-]+", "_", name.strip().lower())[:100]
    return (of_words(plain.replace("_", " ")) or plain) if plain else None
