"""The words of what cannot be done, and of what to do then (zh)."""

TEXTS: dict[str, str] = {
    "trouble.signed_out": "您已退出登录",
    "trouble.signed_out.then": "请登录后重新操作：刚才的操作未执行。",
    "trouble.not_let": "您无权进行此操作",
    "trouble.not_let.then": "操作未执行；此次尝试已记录在案。",
    "trouble.not_found": "没有这个页面",
    "trouble.not_found.then": "请按名称查找网站，或返回待办。",
    "trouble.wrong_method": "此地址不能直接打开",
    "trouble.wrong_method.then": "请返回待办。",
    "trouble.unreadable": "所填内容无法记录",
    "trouble.unreadable.then": "请返回修改后重新提交：操作未执行。",
    "trouble.too_large": "内容过大",
    "trouble.too_large.then": "请减少一次提交的内容：操作未执行。",
    "trouble.too_many_acts": "一分钟内的操作过多",
    "trouble.too_many_acts.why": "您的账号（所有会话合计）每分钟最多可进行 {limit} 次操作。"
    "请在 {wait_s} 秒后继续。",
    "trouble.too_many_acts.then": "此次操作未执行。所填内容已保留：请稍候，再重新提交。",
    "trouble.too_many_acts.again": "重新提交",
    "trouble.too_many_acts.back": "返回表单",
    "trouble.database": "数据库暂时没有响应",
    "trouble.database.then": "请在几秒后先查看记录中是否已有您的操作，再决定是否重做。",
    "trouble.serve_key_replaced": "此服务器的密钥已被替换",
    "trouble.serve_key_replaced.then": "操作未执行。须由运维人员将新的 serve.key 放到"
    "此服务器上并重新启动，之后才能登录。",
    "trouble.fault": "程序出错",
    "trouble.fault.then": "请查看记录中是否已有您的操作；错误详情见服务器日志。",
    "not_let.role": "您的角色不能进行此操作：{act}。",
    "not_let.token_scope": "此令牌不能用于：{act}。",
    "not_let.in_person": "须由本人登录后办理：{act}。",
    "not_let.prove_again": "请再次验证身份后办理：{act}。",
    "not_let.csrf": "此表单不是由本控制台为当前会话生成的：请重新打开页面。",
}
