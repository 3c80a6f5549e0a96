# Runs when a user moves a message out of Junk (RFC 6785). Throwing it away is no sign that it was wanted.
require ["copy", "environment", "imapsieve", "vnd.dovecot.pipe"];

if not environment :is "imap.mailbox" "Trash" {
  pipe :copy "rspamd-learn" "ham";
}
