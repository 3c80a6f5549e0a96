# Runs when a user moves a message into Junk (RFC 6785).
require ["copy", "imapsieve", "vnd.dovecot.pipe"];

pipe :copy "rspamd-learn" "spam";
