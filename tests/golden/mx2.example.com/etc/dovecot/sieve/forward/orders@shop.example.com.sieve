# Written by ironpost: changes made here are undone by its next run.
# What rspamd marked as spam stays here, and so does what is in the name of one of ours without proof.
if not anyof (header :is "X-Spam" "Yes", exists "X-Not-Forwarded") {
  redirect "shop@parcels.example.net";
  redirect "ada@example.info";
}
