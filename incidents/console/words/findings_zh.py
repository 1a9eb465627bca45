"""What the checks of a filing find, in Chinese, by the codes of `filing.finding`."""

from __future__ import annotations

from incidents.filing.form import FIELD_OF

PHRASES = {
    # ── the coded details
    "choice_unknown": "{field:filed}不在可选项之内（{choices}）。",
    "nature_ok": "{field:filed}相符：经营性网站有许可证，非经营性网站没有。",
    "commercial_without_licence": "网站登记为经营性，却没有ICP经营许可证：有偿服务须取得许可证。",
    "licence_without_commerce": "网站登记为非经营性，却有ICP经营许可证：两者之一可能已过时。",
    "licence_without_filing": "有ICP经营许可证，却没有ICP备案号：取得许可证须先有有效的ICP备案。",
    "managed_commercial": "网站为经营性，却使用弹性 Web 托管：这类主机不能办理ICP经营许可证。",
    "level_ok": "{level} 级与{service:service}相符。",
    "level_with_reason": "登记为 {level} 级，而{service:service}应为 {expected} 级；已登记理由。",
    "level_differs": "登记为 {level} 级，而{service:service}应为 {expected} 级："
    "请更正，或登记级别说明。",
    # ── the numbers of companies and persons
    "number_of_unknown_kind": "主体性质（单位或个人）未登记，无法检查{field:filed}。",
    "company_number_ok": "{field:filed}校验位正确；其中的组织机构代码为 {organisation}。",
    "company_number_unreadable": "{field:filed}不是统一社会信用代码：应为 18 位数字和字母，"
    "不含 I、O、S、V、Z。",
    "company_number_check_digit": "{field:filed}校验位不正确：不存在此号码的单位。",
    "organisation_check_digit": "{field:filed}校验位正确，但其中的组织机构代码校验位不正确。",
    "person_number_ok": "{field:filed}校验位正确，出生日期可能存在。",
    "person_number_unreadable": "{field:filed}不是居民身份证号码：应为 18 位数字，末位可为 X。",
    "person_number_check_digit": "{field:filed}校验位不正确：不存在此号码的人。",
    "birth_impossible": "{field:filed}中的出生日期在历法中不存在。",
    "birth_ahead": "{field:filed}中的出生日期尚未到来。",
    "birth_too_early": "{field:filed}中的出生日期早于 {year} 年。",
    "person_area_unknown": "{field:filed}开头的地区代码，自其中的出生日期以来未见使用。",
    # ── phone numbers
    "phone_exists": "{field:filed}可能存在：{country}，{kind:phone}。",
    "phone_service": "{field:filed}是服务号码，单位可以使用。",
    "phone_unreadable": "{field:filed}不是电话号码。",
    "phone_impossible": "{field:filed}不可能存在：{country} 没有这样位数的号码。",
    "phone_not_given_out": "{field:filed}不可能存在：{country} 不发放这样的号码。",
    "phone_without_area": "{field:filed}没有区号，无法判断是否存在。",
    "phone_repeats": "{field:filed}疑似编造：同一数字连续出现 {count} 次。",
    "phone_counts": "{field:filed}疑似编造：有 {count} 位数字依次递增或递减。",
    "phone_of_service": "{field:filed}是公共服务号码，不属于任何个人。",
    "phone_hotline": "{field:filed}是单位热线，接听者未必是负责人。",
    "phone_emergency": "{field:filed}是紧急号码。",
    "phone_service_with_area": "{field:filed}是加了区号的服务号码：这类号码不加区号拨打。",
    # ── mail
    "mail_ok": "{field:filed}可以是 {domain} 的地址。",
    "mail_unreadable": "{field:filed}不是邮箱地址。",
    "mail_reserved": "{field:filed}收不到邮件：{domain} 是保留域名，不属于任何人。",
    "mail_disposable": "{field:filed}可能已弃用：{domain} 提供一次性邮箱。",
    # ── record numbers, areas and offices
    "icp_number_ok": "{field:filed}格式正确：{number}。",
    "icp_number_unreadable": "{field:filed}格式不正确：应形如 京ICP备12345678号-1，"
    "以省份简称开头，含 8 至 10 位数字。",
    "icp_licence_ok": "{field:filed}格式正确：{number}。",
    "icp_licence_unreadable": "{field:filed}格式不正确：应形如 京ICP证150476号 或 粤B2-20090059。",
    "public_security_ok": "{field:filed}格式正确：{number}。",
    "public_security_unreadable": "{field:filed}格式不正确：应形如 京公网安备 11010502000001号，"
    "含 11 至 14 位数字。",
    "public_security_other_province": "{field:filed} {number} 的省份简称与地区代码 {area}"
    " 不属同一省份。",
    "area_unknown": "{field:filed}中的地区代码 {area} 不在地区代码表中；新设地区可能尚未收录。",
    "area_of_other_years": "{field:filed}中的地区代码 {area}（{name}）在 {year} 年并未使用。",
    "office_ok": "{field:filed}属于{city}。",
    "office_unreadable": "{field:filed}格式不正确：应为 6 位或 12 位数字。",
    "office_of_another_city": "{field:filed}属于{city}，而登记的服务器位于{served}。",
    "office_not_listed": "{field:filed}属于{city}，但不是所列的 {listed}："
    "请核实是否为服务器所在地的机关。",
    # ── addresses
    "address_unreadable": "{field:filed}不是IP地址；多个地址之间应以空格分隔。",
    "no_server_on_record": "没有登记服务器，无法判断适用哪个省份的地址规定。",
    "server_without_province": "有服务器未登记省份，无法判断适用哪个省份的地址规定。",
    "several_provinces": "服务器位于{provinces}：适用哪个省份的地址规定，须向当地机关询问。",
    "city_decides": "{province}对地址有规定，但{free}除外：请登记每台服务器所在城市。",
    "province_not_known": "没有名为“{province}”的省级行政区，无法判断适用哪地的 IP 规定。",
    "number_not_filed": "网站已通过备案，但尚未登记其备案编号。",
    "day_late": "{day} 晚于三十日期限的最后一日 {until}。",
    "province_binds_nothing": "{province}对经营性网站的地址没有规定。",
    "bound_address_missing": "{field:filed}未登记，而{province}对其有规定。",
    "addresses_same": "合同IP、上报IP与解析IP一致，符合{province}的规定。",
    "addresses_contract": "合同IP与解析IP一致，符合{province}的规定。",
    "addresses_inventory": "合同IP、上报IP与解析IP均为{province}服务器的地址，符合当地规定。",
    "addresses_differ": "{field:filed}为 {addresses}，而域名解析到 {resolved}："
    "{province}要求两者一致。",
    "address_not_in_inventory": "{field:filed}为 {addresses}，不是登记在{province}的服务器的地址。",
    "server_elsewhere": "许可证由{province}发放，要求服务器设在当地；此服务器位于{stands}。",
    # ── documents and days
    "item_unreadable": "登记的 {field} 无法读取。",
    "contract_present": "接入合同已登记。",
    "filed_without_contract": "网站已提交备案，却没有登记接入合同。",
    "document_kind_unknown": "{field} 的文件类型不在可选项之内（{kinds}）。",
    "document_holds": "{field} 有效期至 {day}（含当日）。",
    "document_expires": "{field} 有效期仅至 {day}（含当日），还有 {left} 天。",
    "document_expired": "{field} 已于 {day} 之后失效。",
    "expiry_unreadable": "{field} 的到期日不是有效日期：应写成 2026-03-01。",
    "day_unreadable": "{field:filed}不是有效日期：应写成 2026-03-01。",
    "day_ahead": "{field:filed} {day} 尚未到来。",
    "day_before": "{field:filed} {day} 早于{earlier:filed} {earlier_day}。",
    "days_in_order": "登记的各个日期先后相符。",
}

FOOTER = {
    # ── the page
    "page_cut": "页面过长，未能读完，无法判断页面底部缺少什么。",
    "page_bare": "页面在脚本或框架运行之前几乎没有内容：请用浏览器查看，并保存所见页面。",
    "page_unreachable": "无法取得页面：{detail}。",
    "page_forbidden": "不取该页面：{detail}。",
    "page_status": "服务器对 {url} 的答复为状态 {status}，不是页面。",
    "page_not_html": "{url} 的内容不是 HTML，而是 {kind}。",
    "page_empty": "服务器对 {url} 的答复为空。",
    "page_redirects": "{url} 的跳转超过 {most} 次。",
    "page_redirect_unreadable": "{url} 跳转到无法识别的地址。",
    # ── the public-security number
    "public_security_shown": "已标明公安联网备案号 {shown}。",
    "public_security_not_at_foot": "已标明公安联网备案号 {shown}，但不在页面底部。",
    "public_security_beside": "旁边还标有另一网站的编号 {shown}。",
    "public_security_several": "标有多个公安联网备案号：{shown}。",
    "public_security_other": "页面标明 {shown}，而本网站的编号为 {wanted}。",
    "public_security_not_filed": "页面标明 {shown}，而本网站没有登记公安联网备案号。",
    "public_security_none_filed": "没有标明公安联网备案号，也没有登记。",
    "public_security_in_image": "公安联网备案号只在图片中：须以文字标明。",
    "public_security_in_script": "公安联网备案号在脚本中：请用浏览器查看页面是否显示。",
    "public_security_unseen": "页面中有公安联网备案号，但无人看得到：{place:unseen}。",
    "public_security_malformed": "页面标明的公安联网备案号格式不正确：{written}。",
    "public_security_missing": "没有标明公安联网备案号。",
    "public_security_area": "编号 {shown} 不可能成立：其地区代码 {area} 属于{name}。",
    "public_security_area_unknown": "编号 {shown} 的地区代码 {area} 不属于任何省份。",
    # ── its icon and its link
    "icon_shown": "已显示公安备案图标：{source}。",
    "icon_missing": "没有显示公安备案图标。",
    "link_new": "链接指向该备案，使用新的地址形式：{href}。",
    "link_old": "链接指向该备案，使用旧的地址形式：{href}。",
    "link_http": "链接使用 http；https 更安全：{href}。",
    "link_other": "链接指向备案 {code}，而不是 {wanted}。",
    "link_without_code": "链接指向备案机关，但没有指向任何备案：{href}。",
    "link_encoded": "链接无效，因为其中的 # 写成了 %23：{href}。",
    "link_look_alike": "链接只是看似指向备案机关：{href}。",
    "link_elsewhere": "公安联网备案号的链接指向别处：{href}。",
    "link_missing": "公安联网备案号没有链接到其备案。",
    # ── the ICP number
    "icp_shown": "已标明ICP备案号 {shown}。",
    "icp_not_at_foot": "已标明ICP备案号 {shown}，但不在页面底部。",
    "icp_beside": "旁边还标有另一主体的ICP备案号 {shown}。",
    "icp_other": "页面标明 {shown}，而本网站的ICP备案号为 {wanted}。",
    "icp_suffix": "页面标明 {shown}，而应标明主体备案号：{wanted}。",
    "icp_no_suffix": "页面标明 {shown}，而应标明网站备案号（带序号）。",
    "icp_not_filed": "页面标明 {shown}，而本网站没有登记ICP备案号。",
    "icp_none": "没有标明ICP备案号；服务器在境内的网站应有备案号。",
    "icp_in_image": "ICP备案号只在图片中：须以文字标明。",
    "icp_in_script": "ICP备案号在脚本中：请用浏览器查看页面是否显示。",
    "icp_unseen": "页面中有ICP备案号，但无人看得到：{place:unseen}。",
    "icp_malformed": "页面标明的ICP备案号格式不正确：{written}。",
    "icp_missing": "没有标明ICP备案号 {wanted}。",
    # ── its link
    "icp_link_right": "ICP备案号的链接指向工信部：{href}。",
    "icp_link_http": "ICP备案号的链接使用 http；https 更安全：{href}。",
    "icp_link_gone": "ICP备案号的链接指向工信部已停用的地址：{href}；"
    "现为 https://beian.miit.gov.cn/。",
    "icp_link_look_alike": "ICP备案号的链接只是看似指向工信部：{href}。",
    "icp_link_elsewhere": "ICP备案号的链接指向别处：{href}。",
    "icp_link_missing": "ICP备案号没有链接到工信部。",
}

FILED = {key: field.zh for key, field in FIELD_OF.items()} | {
    "server": "服务器",
    "document": "接入合同",
}

NEEDS = {
    "who_owns": "备案以网站所有者的名义办理",
    "who_it_is": "号码表明其身份，校验位表明号码是否可能存在",
    "who_answers": "须有具名的人对网站负责",
    "to_reach": "违规发生后须在一小时内联系到负责人",
    "to_file_in_time": "网站开通后 30 日内须办理备案",
    "decides_level": "级别取决于服务类型",
    "decides_licence": "有偿服务须取得许可证，其他网站不需要",
    "may_forbid_licence": "弹性 Web 托管不能办理许可证",
    "is_filed": "属于须备案的事项",
    "support_is_company": "技术支持为单位，须在备案中写明",
    "decides_office": "备案由服务器所在地的机关受理",
    "server_on_record": "服务器须备案",
    "server_place": "服务器的所在地须备案",
    "server_count": "服务器的数量须备案",
    "server_province": "地址规定依服务器所在省份而定",
    "contract_is_filed": "接入合同须备案",
    "licence_needs_filing": "取得许可证须先有有效的ICP备案",
    "paid_services": "有偿服务须取得ICP经营许可证",
    "province_may_bind": "部分省份对经营性网站的地址有规定",
}

STEPS = {
    "change_site_filing": "变更网站备案。",
    "say_address_changed": "说明IP地址已变更。",
    "submit_for_first_review": "提交初审。",
    "change_contract": "合同也须变更：其中写有IP地址。",
}

_SERVICES = {choice.code: choice.zh for choice in FIELD_OF["service_type"].choices} | {
    "company": "企业展示网站",
    "other": "其他服务的网站",
}
_PHONES = {
    "fixed_line": "固定电话",
    "mobile": "移动电话",
    "fixed_line_or_mobile": "固定电话或移动电话",
    "toll_free": "免费电话",
    "shared_cost": "分摊付费电话",
}
_UNSEEN = {
    "comment": "在注释中",
    "script": "在脚本中",
    "title": "在标题中",
    "hidden": "在隐藏的内容中",
}

WORDS = (
    {f"filed.{key}": name for key, name in FILED.items()}
    | {f"need.{code}": why for code, why in NEEDS.items()}
    | {f"step.{code}": step for code, step in STEPS.items()}
    | {f"service.{code}": name for code, name in _SERVICES.items()}
    | {f"phone.{code}": name for code, name in _PHONES.items()}
    | {f"unseen.{code}": name for code, name in _UNSEEN.items()}
)
"""The words of the groups that the sentences name."""

NAMES = {
    "phone_unreadable": "不是电话号码",
    "phone_impossible": "没有这样位数的号码",
    "phone_not_given_out": "号码未曾发放",
    "phone_repeats": "同一数字连续重复",
    "phone_counts": "数字依次递增或递减",
    "phone_of_service": "公共服务号码",
    "phone_emergency": "紧急号码",
    "phone_service_with_area": "加了区号的服务号码",
    "mail_unreadable": "不是邮箱地址",
    "mail_reserved": "保留域名，收不到邮件",
    "mail_disposable": "一次性邮箱",
    "company_number_unreadable": "不是统一社会信用代码",
    "company_number_check_digit": "统一社会信用代码校验位不正确",
    "organisation_check_digit": "组织机构代码校验位不正确",
    "person_number_unreadable": "不是居民身份证号码",
    "person_number_check_digit": "居民身份证号码校验位不正确",
    "birth_impossible": "出生日期不存在",
    "birth_ahead": "出生日期尚未到来",
    "birth_too_early": "出生日期过早",
    "page_cut": "页面过长，未读完",
    "page_bare": "页面几乎没有内容",
    "page_unreachable": "无法取得页面",
    "page_forbidden": "不得取该页面",
    "page_status": "服务器答复有误",
    "page_not_html": "不是网页",
    "page_empty": "页面为空",
    "page_redirects": "跳转过多",
    "page_redirect_unreadable": "跳转地址无法识别",
    "public_security_shown": "已标明公安联网备案号",
    "public_security_not_at_foot": "公安联网备案号不在底部",
    "public_security_beside": "旁有另一网站的公安联网备案号",
    "public_security_several": "有多个公安联网备案号",
    "public_security_other": "公安联网备案号属于另一网站",
    "public_security_not_filed": "公安联网备案号未登记",
    "public_security_none_filed": "没有公安联网备案号",
    "public_security_in_image": "公安联网备案号只在图片中",
    "public_security_in_script": "公安联网备案号在脚本中",
    "public_security_unseen": "公安联网备案号看不到",
    "public_security_malformed": "公安联网备案号格式不正确",
    "public_security_missing": "缺少公安联网备案号",
    "public_security_area": "公安联网备案号与地区不符",
    "public_security_area_unknown": "公安联网备案号的地区未知",
    "icon_shown": "已显示图标",
    "icon_missing": "缺少图标",
    "link_new": "链接为新地址形式",
    "link_old": "链接为旧地址形式",
    "link_http": "链接使用 http",
    "link_other": "链接指向另一备案",
    "link_without_code": "链接没有指向任何备案",
    "link_encoded": "链接无效",
    "link_look_alike": "链接只是看似备案机关",
    "link_elsewhere": "链接指向别处",
    "link_missing": "缺少链接",
    "icp_shown": "已标明ICP备案号",
    "icp_not_at_foot": "ICP备案号不在底部",
    "icp_beside": "旁有另一主体的ICP备案号",
    "icp_other": "ICP备案号属于另一网站",
    "icp_suffix": "应标明主体的ICP备案号",
    "icp_no_suffix": "应标明网站的ICP备案号",
    "icp_not_filed": "ICP备案号未登记",
    "icp_none": "没有ICP备案号",
    "icp_in_image": "ICP备案号只在图片中",
    "icp_in_script": "ICP备案号在脚本中",
    "icp_unseen": "ICP备案号看不到",
    "icp_malformed": "ICP备案号格式不正确",
    "icp_missing": "缺少ICP备案号",
    "icp_link_right": "ICP备案号的链接正确",
    "icp_link_http": "ICP备案号的链接使用 http",
    "icp_link_gone": "ICP备案号的链接地址已停用",
    "icp_link_look_alike": "ICP备案号的链接只是看似工信部",
    "icp_link_elsewhere": "ICP备案号的链接指向别处",
    "icp_link_missing": "ICP备案号没有链接",
}
"""What a finding is called where its facts are not at hand: of what may be false, and of a foot."""

# Where a rule comes from, by what a finding calls its source.
SOURCES = {
    "domain.md 4, the record numbers": "domain.md 4，备案编号",
    "domain.md 5": "domain.md 5",
    "domain.md 5, commercial filing": "domain.md 5，经营性备案",
    "domain.md 5, documents": "domain.md 5，文件",
    "domain.md 5, office codes by server city": "domain.md 5，各城市的机关代码",
    "domain.md 5, provinces that bind the IPs": "domain.md 5，对IP有规定的省份",
    "domain.md 5, the order of a filing": "domain.md 5，备案的先后",
    "domain.md 5, what is filed": "domain.md 5，备案事项",
    "GB/T 2260, table of python-stdnum": "GB/T 2260，python-stdnum 的代码表",
    "a pattern of made-up numbers": "编造号码的常见形式",
    "the numbering plan's service numbers, libphonenumber": "号码计划中的服务号码，libphonenumber",
    "E.164, libphonenumber": "E.164，libphonenumber",
    "RFC 5321 section 4.1.2 and RFC 6531, email-validator": "RFC 5321 第 4.1.2 节、RFC 6531，"
    "email-validator",
    "RFC 2606, RFC 6761 section 6": "RFC 2606、RFC 6761 第 6 节",
    "the list disposable-email-domains": "名单 disposable-email-domains",
}
