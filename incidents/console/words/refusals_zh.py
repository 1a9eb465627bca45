"""The refusals and remarks in Chinese, by their names; what to say and do next, by the codes of
`incidents.locale.why_words`."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "already_held": "{site} 自 {at} 起已由 {by} 依令停用，可先解除停用。",
    "already_reported": "{incident} 已于 {at} 报告，无需再报。",
    "already_requested": "{by} 已申请恢复 {site}，正等待另一人答复。",
    "already_said": "已有人说明 {incident} 的内容已删除，值班人员已获告知，无需再说。",
    "already_voided": "联系记录 {contact} 已经作废，无需再作废。",
    "unfit_detail": "{field:detail}的格式不符，未予登记：请核对所填内容后重新填写。",
    "filing_too_long": "本次更改有 {size} 字节，最多 {limit} 字节：请分次更改。",
    "bad_item": "“{field}”的内容不是服务器或文件的资料：请在备案页面逐项填写。",
    "bad_day": "“{given}”不是有效日期（{field:detail}）：请写成 2026-03-01。",
    "before_incident": "{at} 早于违规发生时间 {occurred_at}：与其有关的事不可能更早发生，"
    "请核对时间。",
    "before_told": "{at} 早于通知客户的时间 {told_at}：未获通知不可能拒绝，请核对时间。",
    "claimed": "{item} 正由 {by} 处理：请其放回或移交。",
    "closure_asked": "{by} 已申请关闭 {site}，正等待另一人确认。",
    "day_in_future": "{given} 尚未到来（{field:detail}）：只能登记已经开始的日期。",
    "double_entry": "{site} 的 {incident} 已有 {url} 且仍为“{state:state}”：如确为另一次违规，"
    "请在登记时勾选"
    "“已有记录的网址上的另一次违规”；通话后内容仍在的，请在 {incident} 上记“再次发现”。",
    "future": "{at} 是将来的时间（现在是 {now}）：事情发生后才能记录。",
    "held": "{site} 依令停用，不能恢复：请先解除停用。",
    "in_force_already": "{site} 实际也是“{state:state}”：无需再次下达指令。",
    "no_closure_asked": "没有人申请关闭 {site}：须先有人提出。",
    "no_request": "没有人申请恢复 {site}：须先有人申请。",
    "nobody_to_tell": "{site} 没有在 {at} 之前发生的“待联系”或“未联系上”的违规，无人可告知；"
    "如要记录联系，请指明是哪项违规。",
    "not_claimed": "{item} 没有人认领，无需放回。",
    "not_disputed": "{site} 的关闭没有争议，无需维持。",
    "not_held": "{site} 没有依令停用，无需解除。",
    "not_lifted": "{order} 的指令没有被解除，应予执行。",
    "nothing_held": "{by} 在 {site} 上没有认领任何事项，无可移交。",
    "nothing_to_take_back": "{incident} 现为“{state:state}”：只能撤回“已删除”或“拒不删除”。",
    "order_dead": "{order} 已被放弃，可重新尝试。",
    "order_of_hold": "{site} 依令停用，{order} 正是停用该网站的指令：请先解除停用。",
    "order_in_hand": "{order} 正在执行：请等到 {until}，再看结果。",
    "order_not_dead": "{order} 并未放弃，会自动尝试。",
    "overtaken": "{order} 已不是 {site} 现在的指令：执行它会撤销其后的决定；可将其取消，"
    "或将 {site} 与实际核对。",
    "recurred_already": "{incident} 的内容仍在，已记为 {recurrence}（现为“{state:state}”），"
    "尚未就此通知任何人：无需再记。",
    "same_person": "此申请由 {by} 提出：须由另一人答复。",
    "seen_too_early": "查看 {site} 之后又有别的指令下达或执行：请重新查看。",
    "site_closed": "{site} 已关闭（{rule:rule}）：关闭的网站不能再进行此操作（{act:act_told}）。",
    "site_exists": "{site} 已在登记册中：可修改其资料。",
    "site_not_closed": "{site} 现为“{state:state}”，并未关闭，无需恢复。",
    "state_forbids": "{incident} 现为“{state:state}”：只有在“{needs}”时才能进行此操作"
    "（{act:act_told}）。",
    "too_many_items": "备案资料将有 {count} 项（{items:items}），最多 {limit} 项：请先删去一些。",
    "unknown_contact": "没有联系记录“{contact}”：{incident} 的页面列有其联系记录。",
    "unknown_detail": "备案资料没有“{field}”一项：可登记的项目见备案页面。",
    "unknown_incident": "没有违规“{incident}”：网站的页面列有其违规。",
    "unknown_item": "待办中没有“{item}”。",
    "unknown_order": "没有待执行或已放弃的指令“{order}”；其余指令的结果见网站的页面。",
    "unknown_task": "没有未完成的任务“{task}”。",
    "unknown_task.done": "任务“{task}”已由 {by} 于 {at} 完成（{outcome}）。",
    "counted": "{within_s:duration}内第 {n} 次违规，满 {needed} 次即关闭网站。",
    "next_closes": "{within_s:duration}内第 {n} 次违规，满 {needed} 次即关闭网站："
    "{until} 或之前再有一次，即关闭本网站。",
    "next_miss_closes": "{site} 现已 {run} 次无法联系：再有一次，即关闭网站（R3）。",
    "others_close": "{within_s:duration}内第 {n} 次违规，满 {needed} 次即关闭网站；但近期另有其他"
    "违规：{until} 或之前再有一次，即关闭本网站。",
    "other_host": "以下主机不属于 {site}：{hosts}。如果登记错了网站，请将其作废，"
    "改登在正确的网站上。",
    "would_close": "这是 {within_s:duration}内第 {n} 次违规，满 {needed} 次即关闭网站："
    "登记后 {site} 将被关闭，因此尚未登记。如确认登记，请在下方输入网站名称。",
    "waits_for_second": "{site} 尚未关闭：规则要求双人，须由另一人确认或驳回。",
    "too_late": "{incident} 的联系记录晚于时限 {due}，未能停止计时；如果电话是按时打的，"
    "请填写通话时间重新记录。",
    "closure_fell": "{by} 对 {site} 的关闭申请随之失效：已无人拒绝，或拒绝之前并未告知。"
    "如果拒绝仍然成立，请重新提出。",
    "tell_withdrawn": "关闭有争议，告知客户的任务 {tasks} 暂不列入待办。",
    "tell_again": "告知客户的任务 {tasks} 重新列入待办。",
    "not_covered": "此次通话不包括其后发生的：{incidents}。",
    "unknown_field": "网站没有名为“{field}”的登记资料：请从列表中选择。",
    "unknown_field.nearest": "网站没有名为“{field}”的登记资料。您要找的是 {nearest} 吗？",
    "unknown_site": "没有名为 {site} 的网站。",
    "unknown_site.nearest": "没有名为 {site} 的网站。您要找的是 {nearest} 吗？",
    "key_reused.done": "{by} 已于 {at} 提交过同一操作：结果见网站的页面。",
    "key_reused": "同一标识已于 {at} 用于另一项操作：请重新打开页面再试。",
    "clock_ahead": "本机时钟（{now}）快于数据库 {ahead_s} 秒：请先校准，否则会弄乱记录的时间。",
    "clock_behind": "本机时钟（{now}）慢于数据库 {behind_s} 秒：请先校准，否则会弄乱记录的时间。",
    "changed_meanwhile": "{site} 已有变动：请重新查看后再决定。",
    "asked_by_anybody": "{by} 提出申请时还没有账号，无法确知是谁：请驳回，由登录的人重新申请。",
    "sign_in_needed": "此服务台设有账号，须由两人办理的事项，提出或同意都须先登录：{by} 没有登录。",
    "second_needed": "现行规则要求双人关闭，更换规则同样须由两人办理：须由另一位有权启用规则的人"
    "与 {by} 一同登录。",
    "own_second": "{by} 不能兼作自己操作的第二人。",
    "second_not_in": "“{second}”不是可以登录的账号，不能作为第二人。",
    "second_role": "“{second}”的角色是“{role:role}”，无权办理：{act:act}，不能作为第二人。",
    "password_given": "{by} 的密码由 {given_by} 设置，在 {until} 之前不能作为第二人："
    "请由他人办理，或稍后再办。",
    "second_sign_in": "第二人的账号或密码不正确：操作未执行。",
    "blocked": "失败次数过多：请在 {wait_s} 秒后再试。",
    "not_let": "{by} 的角色是“{role:role}”，无权办理：{act:act}。",
    "for_a_supervisor": "{task} 是请主管审阅更正的任务，{by} 不是主管：须由主管完成。",
    "no_supervisor": "{act:act}须由主管办理，{by} 不是主管。",
    "nothing_in_hand": "您在那里没有认领的事项，无需移交。",
    "nobody_chosen": "请选择接手者：须是可以登录并在值班台工作的其他账号。",
    "no_taker": "“{to}”不是可以登录并处理待办的账号，移交后将无人能够放回：请交给可以处理的账号。",
    "bad_text": "{what:text}含有不能记录的字符（{found}）：请删除后重试。",
    "personal_code": "{what:text}看起来含有他人的号码或地址，会原样写入记录：请填代码，"
    "其余写入备注。",
    "unknown_outcome": "没有这种联系结果：请从列表中选择。",
    "unknown_audience": "留言须选择对象：{known}。",
    "bad_digest": "证据以其 SHA-256（64 位十六进制数）指称。",
    "text_too_long": "{what:text}有 {length} 个字符，最多 {limit} 个：请缩短，或放入文件后附上。",
    "too_many_urls": "共 {count} 个网址，每次违规最多 {limit} 个：请记录一部分，"
    "其余放入文件后附上。",
    "urls_too_long": "网址共 {size} 字节，每次违规最多 {limit} 字节：请减少网址，"
    "其余放入文件后附上。",
    "empty_text": "{what:text}未填写：请简单说明。",
    "bad_site_name": "“{given}”不是网站名称：{detail}。",
    "bad_url": "“{given}”不是可以记录的网址：{detail}。",
    "evidence_too_large": "文件有 {size} 字节，证据最多 {limit} 字节：请附上较小的文件，"
    "或调高设置 evidence_limit。",
    "empty_evidence": "文件是空的，不能证明什么：请附上有内容的文件。",
    "reserved_name": "不能以“{given}”的名义操作：它代表并非由人所做的事。",
    "detail_changed": "您打开此页之后，已有人修改了{field}：请查看现在的内容，"
    "如您的无误，请重新提交。",
    "bad_label": "“{given}”不能作为简称：请用小写字母、数字和 -，例如 main。",
    "label_taken": "{label}已登记：请在原处修改，或另取简称。",
    "nothing_said": "{label}没有任何内容：请至少填写一项。",
    "no_such_part": "表单没有这一部分：请重新打开页面。",
    "unknown_preset": "没有名为“{given}”的服务商：请从列表中选择。",
    "no_file": "没有选择文件：请选择文件后再附上。",
    "not_confirmed": "此操作会关闭网站：请照上面所示输入网站名称。操作未执行。",
    "bad_time": "“{given}”不是可用的时间：请写 02:50、2026-03-01 02:50 或"
    " 2026-03-01T02:50:00+08:00，"
    "年份为 1970 至 2999；时钟调整的那一小时请写明时差。",
    "too_costly": "{seconds} 秒内没有找到，已达查找时间的上限：请用网站或状态缩小范围。",
    "unlimited": "试算进程无法为自己设置资源上限（{detail}），因此没有开始：请在服务单元的"
    " SystemCallFilter 中放行 setrlimit 和 prlimit64。",
}

UNKNOWN = {
    "unknown_incident": "没有违规“{given}”：编号形如 12-3。",
    "unknown_contact": "没有联系记录“{given}”：编号形如 12-3-1。",
    "unknown_order": "没有指令“{given}”：编号形如 12-o45 或 12-o45.notice。",
    "unknown_task": "待办中没有“{given}”：编号形如 12-3 或 12-t2。",
}
"""Of an id that is none at all; what the desk refuses has one that could be."""

CAUSES = {
    "history_empty": "文件是空的；历史应为带表头的 CSV 或 JSON Lines",
    "history_file_not_utf8": "不是 UTF-8；请先另存为 UTF-8",
    "history_array": "是一个 JSON 数组；请写成 JSON Lines，每行一个对象",
    "history_long_line": "有一行超过 {limit} 个字符：确是历史文件吗？",
    "history_column_twice": "列 {column} 出现了两次",
    "history_no_column": "缺少列 {missing}",
    "history_not_csv": "不是 CSV",
    "history_no_header": "没有表头",
    "history_line_not_utf8": "{value} 不是 UTF-8",
    "history_not_json": "{value} 不是 JSON",
    "history_no_object": "{value} 不是 JSON 对象",
    "history_no_text": "{column} 为 {value}；请写成文本",
    "history_half": "{column} 为 {value}，其中有半个字符",
    "history_not_utf8": "{column} 为 {value}，不是 UTF-8",
    "history_fields": "有 {found} 个字段，而表头有 {named} 个：{value}",
    "history_missing": "缺少 {column}",
    "history_value": "{column} 为 {value}，不能用：{why}",
    "history_no_time": "{column} 为 {value}，不是时间；请写 2026-03-01T02:50:00Z 或"
    " 2026-03-01 02:50",
    "history_no_such_time": "{column} 为 {value}，没有这样的时间",
    "history_year": "{column} 为 {value}；年份须在 1970 到 2999 之间",
    "history_long": "{column} 为 {value}，共 {found} 个字符，最多 {limit} 个",
    "history_control": "{column} 含有{character}；请删去",
    "history_outcome": "contact 为 {value}；请写 {known} 之一，或留空",
    "history_no_outcome": "contact_at 为 {value}，但 contact 为空；请写联系结果：{known}",
    "history_order": "{column} 为 {at}，早于违规本身（{occurred_at}）",
    "a_space": "空格",
    "a_character": "字符 {point}",
    "site_empty": "没有填写；请写主机名，如 shop.example",
    "site_character": "含有{character}；请只写主机名",
    "site_url": "这是网址；请只写主机名，网址另填",
    "site_path": "含有路径；请只写主机名，网址另填",
    "site_at": "含有 @；请只写 @ 之后的主机名",
    "site_percent": "含有 %；IP 地址请不带区域，名称请照读法写",
    "site_asterisk": "含有 *；一个网站只有一个名称，请逐个登记",
    "site_brackets": "带有方括号；IP 地址请不带方括号和端口",
    "site_port": "带有端口；请只写主机名 {host}",
    "site_colon": "不是 IP 地址，而主机名不含冒号",
    "site_number": "以数字结尾的名称应是 IP 地址，而这不是有效的 IP 地址",
    "site_id": "看起来是违规或任务的编号；请写完整的名称",
    "site_endless": "共 {characters} 个字符，最多 {limit} 个",
    "site_long": "其 ASCII 形式有 {octets} 字节，最多 {limit} 字节",
    "site_empty_part": "两个点之间是空的",
    "site_long_part": "其中 {part}… 一段有 {octets} 字节，最多 {limit} 字节",
    "site_wide_part": "其中 {part}… 一段有 {characters} 个字符，最多 {limit} 字节",
    "site_part": "其中“{part}”一段只能含字母、数字和连字符",
    "site_hyphen": "其中“{part}”一段以连字符开头或结尾",
    "site_idna": "其中“{part}”一段不能用于名称（IDNA）",
    "url_empty": "没有填写",
    "url_long": "有 {length:,} 个字符，最多 {limit:,} 个",
    "url_character": "含有数据库无法保存的{character}",
    "url_scheme": "须以 http:// 或 https:// 开头",
    "url_no_host": "没有主机名",
    "url_unreadable": "无法识别为网址",
    "url_port": "端口不是 0 到 65535 的数字",
    "url_host": "其主机名{cause}",
}
"""Why something is no name, or no address that can be kept, by its code."""

WORDS = {
    "act_told.recur": "再次发现",
    "act_told.contact": "记录联系",
    "act_told.removed": "内容已删除",
    "act_told.reported": "向公安机关报告",
    "act_told.this": "说明内容已删除",
    "act_told.refused": "拒不删除",
    "act_told.false-info": "认定信息虚假",
    "act_told.void": "作废",
    "items.servers": "服务器",
    "items.documents": "文件",
    "text.name": "名称",
    "text.note": "备注",
    "text.reason": "理由",
    "text.category": "类别",
    "text.person": "负责人",
    "text.phone": "电话",
    "text.email": "邮箱",
    "text.field": "虚假的信息项",
    "text.evidence": "查明方式",
    "text.outcome": "结果",
    "text.text": "内容",
    "field.icp": "备案号",
    "field.address": "地址",
    "field.licence": "许可证",
    "state.not voided": "未作废",
}


SCRIPT = {
    "call": "{phone}请说：“您的网站 {site} 出现{what}，请立即删除，删除后告知我们。”",
    "call.no_clock": "此项不计时。",
    "call.costs": "{left}：{cost}。只有与负责人本人通话才能停止计时；其余每次尝试也请记录。",
    "cost.overdue": "只有在时限之前打的电话才算数，请填写通话时间",
    "cost.down": "网站已停用，无法联系也不会再次暂停",
    "cost.closes": "若无法联系到任何人，即关闭网站：不提供售后服务，不予退款",
    "cost.attempts": "按规则须先联系 {least} 次，才会暂停网站",
    "cost.suspends": "若无法联系到任何人，网站即暂停 {suspend_for:duration}",
    "keep_calling": "{down}尚未通知任何人。{phone}请说：“您的网站 {site} 出现{what}，请删除，删除后"
    "告知我们。”如果其实在时限之前已联系到负责人，请填写通话时间。",
    "down": "网站已停用，但",
    "down.not_in_force": "网站本应停用（实际为“{in_force:state}”），但",
    "down.not": "时限已过，但",
    "check_removal": "请查看{addresses}内容是否已删除。已删除：记为“内容已删除”。",
    "check_removal.due": "{left}供客户删除。",
    "check_removal.asks": "仍在，且客户不删除：记为“拒不删除”，即申请关闭网站（R5），"
    "由另一人确认。",
    "check_removal.closes": "仍在，且客户不删除：记为“拒不删除”，网站即关闭（R5）。",
    "tell": "{phone}请说：“您的网站 {site} 已关闭（{rule:rule}）：不提供售后服务，不予退款。"
    "对关闭有异议的，请现在或随后告诉我们理由，我们会记录下来。”"
    "依据：{names}。客户提出异议的，请在违规页面添加备注；主管可据此申请恢复网站。",
    "tell.withheld": "请暂缓致电：{site} 已决定关闭，但尚未实际关闭（实际为“{in_force:state}”）。"
    "指令被熔断拦下，或已有人取消。",
    "recheck": "请再次查看 {names}{addresses}。已删除：记为“内容已删除”。",
    "recheck.looked": "请再次查看 {names}{addresses}。",
    "recheck.log": "仍在：登记新的违规，另行计时。",
    "recheck.said_gone": "仍在：完成此任务并写明所见；{names} 本身仍留在待办中。",
    "recheck.recur": "仍在：记为“再次发现”，即一项另行计时的新违规。",
    "recheck.call": "{names} 尚未告知任何人；仍在：先联系客户，再记为“再次发现”。",
    "recheck.anew": "{names} 仍在：登记新的违规，另行计时。",
    "recheck.done": "全部看过：完成此任务。",
    "review": "请主管查看 {names}：其记录已更正不止一次，而每次更正都可能重新计时一小时。",
    "disputed": "由主管决定：关闭 {site} 的依据（{rule:rule}）按现有记录已不成立。可维持关闭，"
    "也可申请恢复。",
    "disputed.held": "由主管决定：关闭 {site} 的依据（{rule:rule}）按现有记录已不成立。可维持关闭，"
    "也可在解除停用后申请恢复。",
    "reinstatement": "{by} 申请恢复 {site}{why}，由 {by} 以外的人决定（设有账号时须为主管）。",
    "reinstatement.why": "（“{note}”）",
    "reinstatement.held": "解除停用之后才能同意。",
    "closure.false": "{by} 申请关闭 {site}（{rule:rule}，虚假的是：{field:field}）{why}。"
    "须立即关闭：请 {by} 以外的人马上确认或驳回。",
    "closure.refusal": "{by} 申请关闭 {site}（{rule:rule}，{incident}）{why}。"
    "须立即关闭：请 {by} 以外的人马上确认或驳回。",
    "file": "{site} 的公安联网备案最迟应于 {day}（含当日）办理。{phone}请提醒客户；"
    "办理后请登记日期。逾期不会因此暂停网站。",
    "file.over": "{site} 的公安联网备案最迟应于 {day}（含当日）办理，现已逾期，"
    "尚未登记办理日期。{phone}请提醒客户；办理后请登记日期。逾期不会因此暂停网站。",
    "show_number": "{site} 的页面底部最迟应于 {day}（含当日）标明备案编号。{phone}请提醒客户；"
    "标明后请登记日期。逾期不会因此暂停网站。",
    "show_number.over": "{site} 的页面底部最迟应于 {day}（含当日）标明备案编号，现已逾期，"
    "尚未登记标明日期。{phone}请提醒客户；标明后请登记日期。逾期不会因此暂停网站。",
    "suspicion": "检查认为 {site} 登记的{field:detail}不实（{finding}）。请自行核实，"
    "不可只凭程序判断。确属虚假：记为“信息虚假”，网站即关闭（R4）。并非虚假：完成此任务。",
    "footer": "{site} 页面底部不符合要求（{problems}）。{phone}请告知客户；系统会自动再次查看。",
    "the_person": "负责人",
    "phone": "请致电{whom}，{phone}。",
    "phone.email": "没有登记{whom}的电话：请写信至 {email}，并查找号码。",
    "phone.nothing": "没有登记{whom}的任何联系方式：请查找号码，并在 {site} 的页面登记。",
    "what": "违规内容{addresses}",
    "what.category": "违规内容（{category}）{addresses}",
    "addresses": "（{url}）",
    "addresses.more": "（{url} 等，另有 {more} 处）",
    "unsettled": "未了结的违规",
    "left": "剩 {span}",
    "left.overdue": "已超时 {span}，且尚无程序执行",
    "said_gone": "客户称内容已删除。",
    "said_gone.remark": "客户称内容已删除：“{remark}”。",
    "warning.closes": "再有一次无法联系，{site} 即被关闭",
    "warning.spared": "警报：{incident} 时限已过而联系次数不足，{site} 未被暂停：须由人决定",
}

PHRASES = {
    **{f"refused.{name}": sentence for name, sentence in SENTENCES.items()},
    **{f"not_there.{name}": sentence for name, sentence in UNKNOWN.items()},
    **{f"cause.{code}": cause for code, cause in CAUSES.items()},
    **{f"say.{code}": said for code, said in SCRIPT.items()},
    **WORDS,
}
