dnl Lines for sendmail.mc, before MAILER(...). F=T: while the filter is away, mail waits at the sender.
dnl There is nothing to add to confMILTER_MACROS_...: the filter itself asks Sendmail for what it needs.
INPUT_MAIL_FILTER(`authmilter', `S=unix:/run/authmilter/authmilter.sock, F=T, T=C:30s;S:30s;R:60s;E:5m')dnl
