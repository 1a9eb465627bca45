module judge

go 1.21

require golang.org/x/mod v0.0.0

// Where Debian's golang-golang-x-mod-dev lays it: nothing is fetched.
replace golang.org/x/mod => /usr/share/gocode/src/golang.org/x/mod
