"""What to say and do next in Chinese, by the codes of `incidents.locale.script_words`."""

from __future__ import annotations

SENTENCES = {
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
    "show_number": "{site} 的页面底部最迟应于 {day}（含当日）标明备案编号。{phone}请提醒客户；"
    "标明后请登记日期。逾期不会因此暂停网站。",
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

PHRASES = {f"say.{code}": said for code, said in SENTENCES.items()}
