"""The events in Chinese, and the why of a site, by the codes of `incidents.locale.event_words` and
`why_words`."""

from __future__ import annotations

_TERMS = "不提供售后服务，不予退款"

HAPPENED = {
    "site_added": "{site} 已登记",
    "site_edited": "{site} 的资料已修改：{changed_details}",
    "incident_logged": "{site} 记录违规 {incident}{of_which}{its_place}",
    "incident_imported": "{incident} 由别处导入，不启动计时，也不计入 R1 和 R3",
    "evidence_attached": "{incident}：附上证据 {digest}（{size:,} 字节）",
    "note_added": "{incident}：{audience:note}",
    "contact_recorded": "{incident}：{outcome:outcome_told}{its_effect}",
    "contact_voided": "联系记录 {contact_id} 作废{fresh_clock}",
    "incident_removed": "{incident}：内容已删除",
    "incident_refused": "{incident}：{how_refused}",
    "incident_voided": "{incident} 作废，不再计入",
    "statement_taken_back": "{incident}：撤回“{state_from:state}”，恢复为“{state_to:state}”"
    "{fresh_clock}",
    "clock_lapsed": "{incident}：截至 {occurred_at:when} 未联系到负责人",
    "alarm_raised": "{incident}：警报！时限已过，须联系 {needed} 次而只联系了 {attempts} 次；"
    "{site} 未因此暂停",
    "site_suspended": "{site} 暂停至 {until:when}（R2 无法联系）",
    "suspension_ended": "{site} 的暂停已结束{open_or_not}",
    "suspension_struck": "{site} 的第 {suspension} 次暂停撤销：所依据的均已不成立"
    "{struck_open_or_not}",
    "suspension_restored": "{site} 的第 {suspension} 次暂停重新成立",
    "site_closed": f"{{site}} 关闭（{{rule:rule}}）{{grounds}}{{by_two}}：{_TERMS}",
    "closure_asked": "{by} 申请关闭 {site}（{closed_for}），由另一人决定",
    "closure_declined": "{site} 不予关闭：申请被驳回",
    "closure_disputed": "{site} 的关闭有争议：所需 {needed} 项中尚有 {counted} 项成立",
    "dispute_settled": "{site} 的关闭不再有争议：{how_met}",
    "closure_upheld": "{site} 的关闭予以维持",
    "hold_set": "{site} 依令停用，解除之前不会开通",
    "hold_lifted": "{site} 的依令停用已解除{open_or_not}",
    "reinstatement_asked": "{by} 申请恢复 {site}，由另一人决定",
    "reinstatement_declined": "{site} 不予恢复：申请被驳回",
    "site_reinstated": "{site} 已恢复：所有计数重新开始",
    "task_opened": "任务 {task_id}：{task_in_words}",
    "task_completed": "任务 {task_id} 完成：{outcome:task_outcome}",
    "item_claimed": "{item_id} 由 {holder} 处理",
    "item_released": "{item_id} 已放回待办",
    "incident_reported": "{incident}：已向公安机关报告",
    "removal_said": "{incident}：客户称内容已删除，值班人员尚未核查",
    "links_revoked": "{incident}：客户链接已吊销",
    "order_delivered": "{what_is_done}",
    "order_failed": "{how_given_up}",
    "order_cancelled": "不再执行：{what_was_ordered}（{why:why_not}）",
    "order_retried": "立即执行：{what_was_ordered}",
    "state_seen": "{adapter} 报告：{site} 实际为“{seen:state}”",
    "filing_changed": "{site} 的备案资料已更改：{changed_filing}",
    "filing_reminded": "已提醒：{site} 的{term_of}于 {due_on} 届满",
    "suspicion_raised": "检查认为 {site} 登记的{field:detail}不实（{finding_in_words}）",
    "footer_seen": "{site} 的页面底部{what_it_lacks}",
    "order_repeated": "再次下达指令：{order_kind:order} {site}",
}

TO_COME = {
    "alarm_raised": "{incident}：警报！时限届满时，须联系 {needed} 次而只联系了 {attempts} 次；"
    "{site} 不会因此暂停",
    "clock_lapsed": "{incident}：至 {occurred_at:when} 仍未联系到负责人",
    "incident_refused": "{incident}：{how_refused}",
    "site_closed": f"{{site}} 将被关闭（{{rule:rule}}）{{grounds}}：{_TERMS}",
    "site_suspended": "{site} 将暂停至 {until:when}（R2 无法联系）",
    "suspension_ended": "{site} 的暂停将结束{open_or_not}",
}

PARTS = {
    "none": "无",
    "taken_away": "{field}（已删去）",
    "term_file": "备案期限",
    "term_show_number": "标明编号期限",
    "given_up": "已放弃：{what_was_ordered}，{adapter} 共尝试 {so_many_attempts}"
    "（{problem:problem}）",
    "braked": "熔断拦下：{what_was_ordered}，因短时间内要关停的网站过多",
    "lacks": "不符合要求：{problems}",
    "lacks_nothing": "符合要求",
    "said": "：“{text}”",
    "erased": "（已删去）",
    "of_which": "：{recurs} 的内容仍在",
    "moot": "；网站已关闭，不计",
    "stopped_clock": "，计时停止",
    "had_lapsed": "；此前时限已过",
    "runs_on": "；这不停止计时",
    "fresh_clock": "；重新计时至 {contact_due:when}",
    "refused_by_word": "客户已获通知而拒不删除",
    "refused_by_two": "客户已获通知而拒不删除，由 {asked_by} 提出、{by} 确认",
    "refused_by_time": "截至 {deadline:when} 未删除，视为拒绝",
    "refuses_by_time": "至 {deadline:when} 仍未删除，视为拒绝",
    "stays": "；网站仍为“{site_to:state}”",
    "open_again": "；网站重新开通",
    "left_closed": "；但 {site} 实际处于关闭状态，其关闭记录可能已丢失，因此保持关闭。请重新记录"
    "关闭原因，依相应规则再次关闭；如须恢复，可在其未被暂停时，在指令页面核对并再次下达",
    "left_down": "；但记录末尾丢失后 {site} 可能一直处于停用状态，不会自动恢复，须由人工决定",
    "window": "，{since:when} 至 {until:when} 共违规 {counted} 次（{incidents}）",
    "run": "，{needed} 次中的第 {counted} 次（{incidents}）",
    "met_again": "其规则重新成立",
    "met_as_upheld": "其规则又达到维持时的程度",
    "run_beyond": "，连续第 {counted} 次（{needed} 次即关闭；{incidents}）",
    "false": "，虚假的是：{field:field}",
    "refusal": "，{incidents}",
    "by_two": "，由 {asked_by} 提出、{by} 确认",
    "for_false": "{rule:rule}，虚假的是：{field:field}",
    "for_refusal": "{rule:rule}，{incident}",
    "one_attempt": "{attempts} 次",
    "attempts": "{attempts:,} 次",
    "task_about": "{task_kind:task}（{incidents}）",
    "task": "{task_kind:task}",
}

WORDS = {
    "note.desk": "内部备注",
    "note.customer": "给客户的留言",
    "outcome_told.reached": "已联系到负责人",
    "outcome_told.no-answer": "无人接听",
    "outcome_told.wrong-number": "号码错误",
    "outcome_told.bounced": "邮件被退回",
    "outcome_told.left-message": "已请他人转告",
    "task.tell": "致电客户，告知网站已关闭",
    "task.recheck": "查看内容是否已删除",
    "task.review": "请主管审阅这些更正",
    "task.file": "应办理公安联网备案",
    "task.show_number": "应标明备案编号",
    "task.suspicion": "请核实一项登记信息是否虚假",
    "task.footer": "页面底部不符合要求",
    "task_outcome.done": "已办",
    "task_outcome.told": "已告知",
    "task_outcome.still-there": "内容仍在",
    "task_outcome.met": "已满足",
    "task_outcome.changed": "资料已更改",
    "task_outcome.right": "已符合要求",
    "task_outcome.not-false": "并非虚假",
    "task_outcome.superseded": "已不再需要",
    "why_not.lifted": "其后已解除",
    "why_not.expired": "为时已晚，不再是新消息",
    "why_not.no_channel": "没有设置渠道",
    "why_not.no_address": "没有登记地址",
    "why_not.settled": "其后已了结",
    "why_not.by_hand": "有人如此决定",
    "why_not.repeated": "已再次下达",
    "why_not.overtaken": "其后的指令已执行",
    "why_not.superseded": "网站已依令停用",
    "why_not.left_down": "记录末尾丢失后保持停用，须由人工决定",
    "ordered.act": "{kind:order}",
    "ordered.notice": "通知客户（{kind:order}）",
    "ordered.desk": "通知值班（{kind:order}）",
    "ordered_of.act": "{kind:order} {site}",
    "ordered_of.notice": "通知客户（{kind:order}）",
    "ordered_of.desk": "通知值班（{kind:order}）",
    "done.notice": "已通知客户（{order_kind:order}），由 {adapter} 发出",
    "done.desk": "已通知值班（{order_kind:order}），由 {adapter} 发出",
    "done.logged": "已告知 {adapter} {order_kind:order} {site}，但它不会真正执行",
    "done.act": "{site} 已实际{order_kind:in_the_world}，由 {adapter} 执行",
    "in_the_world.suspend": "暂停",
    "in_the_world.reopen": "开通",
    "in_the_world.close": "关闭",
    "order.notify": "通知",
    "order.call": "致电",
    "order.alarm": "警报",
}

EVENT_PHRASES = {
    **{f"happened.{kind}": sentence for kind, sentence in HAPPENED.items()},
    **{f"to_come.{kind}": sentence for kind, sentence in TO_COME.items()},
    **{f"event_part.{code}": part for code, part in PARTS.items()},
    **WORDS,
}


_DISPUTES = "规则即不再成立：关闭将有争议，但程序不会自行恢复"

WHY = {
    "overdue": "已超时：{since} 到期的事项至今无人执行，已过 {ago}；守护进程运行后即会执行。",
    "in_force": "决定为“{state:state}”，实际为“{seen:state}”",
    "unknown_in_force": "决定为“{state:state}”，实际情况无人知晓",
    "not_in_force.waits": "尚未生效：{told}（见 {site} 的指令）。",
    "not_in_force.braked": "尚未生效：{told}；已被熔断拦下（见指令 {order}，可由主管放行）。",
    "not_in_force.logged": "尚未生效：{told}。守护进程的设置未指定适配器，指令只记入日志，"
    "并未真正执行。请维护人员在设置的 [acts] 中指定适配器并重启守护进程，然后在指令页面核对 {site}"
    " 并再次下达。",
    "not_in_force.left_down": "尚未生效：{told}。现有记录中没有停用 {site} 的依据，依据可能已随"
    "记录末尾一并丢失（{since}）。如须继续停用，请依令停用；否则可在指令页面核对 {site}"
    " 并再次下达。",
    "not_in_force.left_closed": "尚未生效：{told}。{site} 的关闭记录可能已丢失，因此保持关闭；"
    "暂停期满或解除停用都不会使其恢复。请重新记录关闭原因，依相应规则再次关闭；如须恢复，可在其未被暂停时，"
    "在指令页面核对并再次下达。",
    "not_in_force.unknown": "状态不明：{told}。停用 {site} 的命令可能已随记录末尾"
    "一并丢失（{since}）。如须停用，请依令停用；否则可在指令页面核对 {site} 并再次下达。",
    "not_in_force.believed": "状态不明：{told}。{site} 在记录缺失之后添加，且无法核实是否可以访问；"
    "现已视为可以访问。如实际无法访问，可在指令页面核对 {site} 并再次下达。",
    "not_in_force.lost": "尚未生效：{told}（可在指令页面核对 {site} 并再次下达）。",
    "closed": "{site} 于 {at} 依“{rule:rule}”关闭：{rule:rule_says}。",
    "stated_false": "{by} 认定登记的{field:field}虚假；查明方式：{evidence}。",
    "confirmed": "由 {asked_by} 提出，{by} 确认。",
    "decided": "决定于 {at}，由 {by} 记录，依据的规则文件为 {policy}。",
    "terms": "后果：不提供售后服务，不予退款。",
    "window": "共计违规 {counted} 次；{within:duration}内达 {needed} 次即关闭网站：",
    "window_compared": "比对：{since} 至 {until} 为 {apart:duration}，上限 {within:duration}，"
    "两端均含在内。{completing} 使条件成立。",
    "run": "这是 {needed} 次中的第 {counted} 次：",
    "run.beyond": "这是连续第 {counted} 次，{needed} 次即关闭：",
    "run_case.joined": "此次还依据 {names}，其计时在暂停期间届满",
    "run_broken": "其后得知 {incident} 在时限 {due} 前已联系到负责人：连续次数自此重新计算。",
    "refused_since": "客户于 {since} 拒绝。",
    "run_case": "第 {place} 次：{incident}；{told}",
    "run_case.acted": "截至 {due} 未联系到负责人，于 {made_at} 处理",
    "run_case.struck_since": "截至 {due} 未联系到负责人，其后已撤销",
    "run_case.struck": "此次已撤销",
    "not_deleted": "至删除时限 {deadline} 仍未删除。",
    "refusal_recorded": "拒不删除一事由 {by} 记录。",
    "refusal_confirmed": "拒不删除一事由 {by} 确认。",
    "suspended": "{site} 依“{rule:rule}”暂停：未按时联系到负责人。自 {made_at} 起，"
    "至 {until:until}。",
    "suspended.left_down": "此前因记录末尾丢失，{site} 可能已处于停用状态，"
    "所丢失的可能正是一项命令：暂停期满后不会自动恢复，须由人工决定。如须继续停用，请依令停用。",
    "rests_on": "所依据的违规：",
    "decided_under": "依据的规则文件为 {policy}。",
    "held": "{site} 自 {at} 起依令停用，由 {by} 记录：{reason}。计时、"
    "迟到的事实和恢复申请都不能使其开通。",
    "to_be_closed.false": "尚未关闭：{by} 于 {at} 申请依“{rule:rule}”关闭网站："
    "登记的{field:field}虚假。依据：{text}。",
    "to_be_closed.refusal": "尚未关闭：{by} 于 {at} 申请依“{rule:rule}”关闭网站："
    "已告知而不删除。{incident}。说明：{text}。",
    "to_be_closed.by_two": "按规则须由 {by} 以外的人确认。",
    "to_be_closed.by_one": "由 {by} 以外的人确认即可；现行规则只须一人决定："
    "任何人再次提出，也即关闭网站。",
    "disputed": "关闭有争议：规则所需的 {needed} 项中尚有 {met} 项成立。程序从不自行撤销关闭："
    "须由人决定维持，或申请恢复。",
    "gone.told": "拒绝之前，没有仍然有效的联系记录表明曾告知 {incident}。",
    "gone.voided": "{incident} 已作废：既无须告知，也无所谓拒绝。",
    "gone.refused": "拒不删除一事已不成立：{incident} 现为“{state:state}”。",
    "upheld": "规则所需的 {needed} 项中尚有 {met} 项成立；{by} 仍决定维持关闭。",
    "asked": "{by} 于 {at} 申请恢复：{reason}。须由 {by} 以外的人答复（设有账号时须为主管）。",
    "active": "{site} 正常：没有规则使其停用。",
    "reinstated": "由 {by} 批准恢复，所有计数自那时重新开始。",
    "recent": "最近 {within:duration}内计入的违规：{names}；达 {count} 次即关闭网站（R1）。",
    "place_in_run": "已{how} {run} 次无法联系；{how} {count} 次即关闭网站（R3）。",
    "place_in_run.last": "已{how} {run} 次无法联系；{how} {count} 次即关闭网站（R3）。"
    "再有一次无法联系，即关闭网站。",
    "place_in_run.last.tried": "已{how} {run} 次无法联系；{how} {count} 次即关闭网站（R3）。"
    "时限内至少联系 {attempts} 次而再次无法联系，即关闭网站。",
    "place_in_run.met": "已{how} {run} 次无法联系，达到 {count} 次即关闭网站（R3）。"
    "重新计算从不关闭网站：网站开通期间再有一次无法联系，才关闭。",
    "place_in_run.met.tried": "已{how} {run} 次无法联系，达到 {count} 次即关闭网站（R3）。"
    "重新计算从不关闭网站：网站开通期间，时限内至少联系 {attempts} 次而再次无法联系，才关闭。",
    "place_in_run.consecutive": "连续",
    "place_in_run.total": "累计",
    "waiting": "{incident} 待联系：须在 {due:until}前联系到负责人。",
    "waiting_removal": "{incident} 已通知：内容须在 {due:until}前删除（R5）。",
    "moot": "网站关闭后发现、不计的违规：{names}。",
    "moot.more": "网站关闭后发现、不计的违规：{names} 等。",
    "incident": "{name}：发生于 {occurred_at}，{by} 记录于 {recorded_at}，现为“{state:state}”",
    "incident.at": "{name}：发生于 {occurred_at}，{by} 记录于 {recorded_at}，现为“{state:state}”，"
    "{url}",
    "contact": "联系记录 {name}：{at} {outcome:outcome}，由 {by} 记录",
    "contact.voided": "联系记录 {name}：{at} {outcome:outcome}，由 {by} 记录，其后已作废",
    "deadline": "比对：时限为 {due:exact}，决定于 {decided:exact}，已过 {late}。",
    "microseconds": "{n} 微秒",
    "quoted": "“{text}”",
    "erased": "（已删去）",
    "no_reason": "未说明理由",
    "clock": "时钟",
    "login": "{person}（登录名 {login}）",
    "next.nothing": "接下来：没有会自动到期的事项。",
    "next.braked": "接下来：没有会自动到期的事项；指令 {order} 等待主管处理。",
    "next.overdue": "接下来：已超时，一有程序执行即：{what}。",
    "next": "接下来：{due:until}：{what}。",
    "next.comma": "；",
    "would_change": "什么会改变现状：",
    "confirms": "由 {by} 以外的人确认关闭申请，即关闭网站",
    "declines": "驳回关闭申请，网站维持现状；客户不再拒绝（已删除、作废或撤销通话记录）时亦同",
    "declines.false": "驳回关闭申请，网站维持现状",
    "closes.two": "由一人提出登记信息虚假（R4）或已获通知者拒不删除（R5），另一人确认，即关闭网站",
    "closes": "查明登记信息虚假（R4），或已获通知者拒不删除（R5），即关闭网站",
    "rests_on_all": "此次暂停依据 {names}，全部不再成立才会撤销：逐一作废，或逐一补记一次按时的联系"
    "（填写通话时间）",
    "strikes.contact": "在 {incident} 上补记一次 {due} 及以前的联系（填写通话时间），"
    "即撤销此次暂停{after}",
    "strikes.void": "作废 {incident}，即撤销此次暂停{after}",
    "strikes.opens": "，网站随即开通",
    "strikes.left_down": "；但记录末尾丢失后该网站可能一直处于停用状态，因此保持停用，须由人工决定",
    "strikes.held": "；但网站仍依令停用",
    "strikes.stays": "；但网站仍为“{state:state}”",
    "false_info_stays": "信息虚假的认定（R4）不因更正记录而撤销",
    "disputes.void": f"作废 {{names}}，{_DISPUTES}",
    "disputes.void.any": f"作废 {{names}} 中的任何一项，{_DISPUTES}",
    "disputes.contact": f"在 {{names}} 上补记一次按时的联系（填写通话时间），{_DISPUTES}",
    "disputes.contact.any": f"在 {{names}} 中任何一项上补记一次按时的联系（填写通话时间），"
    f"{_DISPUTES}",
    "disputes.take_back": f"撤回 {{names}} 的“拒不删除”，{_DISPUTES}",
    "disputes.take_back.any": f"撤回 {{names}} 中任何一项的“拒不删除”，{_DISPUTES}",
    "disputes.void_contact": f"作废联系记录 {{names}}，{_DISPUTES}",
    "disputes.void_contact.any": f"作废联系记录 {{names}} 中的任何一条，{_DISPUTES}",
    "uphold": "主管维持关闭，关闭即告成立，争议了结",
    "stays_met": "作废 {names} 中的一项没有影响：规则依然成立",
    "reinstate.held": "依令停用期间不能恢复：须先解除停用",
    "reinstate.asked": "另一人同意恢复申请，网站即开通，所有计数重新开始",
    "reinstate": "由一人申请、另一人批准恢复，网站即开通",
    "unhold.opens": "解除停用，网站随即开通",
    "unhold.left_closed": "解除停用也不会开通网站：网站实际处于关闭状态",
    "unhold.closed": "解除停用也不会开通网站：网站已关闭",
    "unhold.suspended": "解除停用也不会马上开通网站：暂停尚未结束",
    "stops_clock": "在 {due} 前联系到负责人，{incident} 即停止计时",
    "one_more": "再有一次违规即关闭网站：{within:duration}内次数过多（R1）",
    "next_miss": "已 {run} 次无法联系：再有一次，即关闭网站（R3）",
    "next_miss.tried": "已 {run} 次无法联系："
    "时限内至少联系 {attempts} 次而再次无法联系，即关闭网站（R3）",
    "ends_run": "下一次违规若按时联系到负责人，连续计数即告中断",
}

RULE_SAYS = {
    "repeat": "在规定时间内违规次数过多",
    "unreachable_run": "连续多次无法联系负责人",
    "false_info": "登记的信息虚假",
    "refusal": "客户已获通知而不删除",
}

WHY_PHRASES = {
    **{f"why.{code}": said for code, said in WHY.items()},
    **{f"rule_says.{code}": said for code, said in RULE_SAYS.items()},
}
