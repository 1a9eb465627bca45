"""The words of what cannot be done, and of what to do then (en)."""

TEXTS: dict[str, str] = {
    "trouble.signed_out": "You are signed out",
    "trouble.signed_out.then": "Sign in, and do it again: nothing has been done.",
    "trouble.not_let": "You may not do this",
    "trouble.not_let.then": "Nothing has been done; that it was tried is on record.",
    "trouble.not_found": "There is no such page",
    "trouble.not_found.then": "Look for the site by its name, or go back to the queue.",
    "trouble.wrong_method": "This is no page to look at",
    "trouble.wrong_method.then": "Go back to the queue.",
    "trouble.unreadable": "This cannot be kept as it was written",
    "trouble.unreadable.then": "Go back, change it, and send it again: nothing has been done.",
    "trouble.too_large": "This is too large",
    "trouble.too_large.then": "Send less at once: nothing has been done.",
    "trouble.too_many_acts": "Too many acts in a minute",
    "trouble.too_many_acts.why": "Your account may do {limit} acts a minute here, in all its"
    " sessions. You can go on in {wait_s} seconds.",
    "trouble.too_many_acts.then": "This has not been done. What you typed is kept: wait, and send"
    " it again.",
    "trouble.too_many_acts.again": "Send it again",
    "trouble.too_many_acts.back": "Back to the form",
    "trouble.database": "The database does not answer now",
    "trouble.database.then": "Look in a few seconds whether what you did stands in the record,"
    " before you do it again.",
    "trouble.serve_key_replaced": "The key of this server has been replaced",
    "trouble.serve_key_replaced.then": "Nobody comes in here until whoever runs the desk puts the"
    " new serve.key in place of this server's and starts it anew. Nothing has been done.",
    "trouble.fault": "A fault in this program",
    "trouble.fault.then": "Look whether what you did stands in the record; the log of the server"
    " names the fault.",
    "not_let.role": "Your role may not do this: {act}.",
    "not_let.token_scope": "This token is not for this: {act}.",
    "not_let.in_person": "A person who has signed in does this: {act}.",
    "not_let.prove_again": "Prove again who you are to do this: {act}.",
    "not_let.csrf": "This form was not made by this console, or not for this session: load the"
    " page again.",
}
