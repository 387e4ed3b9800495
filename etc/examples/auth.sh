#!/bin/sh
# Who may have a session, asked by spawnd(8): see spawnd-auth(7). A line a
# question, such as "id=7 listener=web relay=app client=192.0.2.1 ...", its words
# but the first in any order, and a line an answer. Nothing else may be printed.
#	auth ask { command = "/usr/local/libexec/auth.sh" }
while read -r id words; do
	case " $words " in
	*" client=192.0.2."*)
		echo "$id deny" ;;
	*" client=10."*" sni=db."* | *" sni=db."*" client=10."*)
		echo "$id relay=database" ;;
	*)
		echo "$id permit" ;;
	esac
done
