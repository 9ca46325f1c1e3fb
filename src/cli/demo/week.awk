# A line for each event of an answer: when, what, where.
{ sub(/&#13;$/, ""); gsub(/&amp;/, "\\&") }
/^DTSTART/ { sub(/^[^:]*:/, ""); start = $0 }
/^SUMMARY/ { sub(/^[^:]*:/, ""); gsub(/\\/, ""); title = $0 }
/^LOCATION/ { sub(/^[^:]*:/, ""); place = ", " $0 }
/^END:VEVENT/ { print start "  " title place; place = "" }
