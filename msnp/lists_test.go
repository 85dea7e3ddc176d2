package msnp_test

import (
	"strings"
	"testing"

	"monarch/msnp"
)

func TestADD(t *testing.T) {
	long := strings.Repeat("n", msnp.MaxName)
	check(t, msnp.ParseADD, []parsing[msnp.ListChange]{
		{
			name: "to a group", line: "ADD 20 FL bob@example.com Bob 3",
			want: msnp.ListChange{TrID: "20", List: "FL", Handle: "bob@example.com", Name: "Bob", Group: 3},
		},
		{
			name: "to no group", line: "ADD 21 AL bob@example.com Bob",
			want: msnp.ListChange{TrID: "21", List: "AL", Handle: "bob@example.com", Name: "Bob", Group: msnp.NoGroup},
		},
		{
			name: "a handle as typed, on a list for the server to refuse", line: "ADD 21 XX Bob@Example.Com b",
			want: msnp.ListChange{TrID: "21", List: "XX", Handle: "Bob@Example.Com", Name: "b", Group: msnp.NoGroup},
		},
		{
			name: "a name with every letter escaped", line: "ADD 7 FL bob@example.com %62%6F%62%20%3c%C3%A9%3e",
			want: msnp.ListChange{TrID: "7", List: "FL", Handle: "bob@example.com", Name: "bob <é>", Group: msnp.NoGroup},
		},
		{
			name: "a name of bytes that are no text", line: "ADD 7 FL bob@example.com \xff%00%",
			want: msnp.ListChange{TrID: "7", List: "FL", Handle: "bob@example.com", Name: "\xff\x00%", Group: msnp.NoGroup},
		},
		{
			name: "the longest name", line: "ADD 7 FL bob@example.com " + long,
			want: msnp.ListChange{TrID: "7", List: "FL", Handle: "bob@example.com", Name: long, Group: msnp.NoGroup},
		},
		{
			name: "a group that none can be", line: "ADD 7 FL bob@example.com b 2147483647",
			want: msnp.ListChange{TrID: "7", List: "FL", Handle: "bob@example.com", Name: "b", Group: 2147483647},
		},
		{name: "a longer name", line: "ADD 7 FL bob@example.com n" + long, err: syntax(msnp.ADD, "name too long")},
		{
			name: "a name that is too long only because it is escaped", line: "ADD 7 FL bob@example.com " + strings.Repeat("%6e", 130),
			err: syntax(msnp.ADD, "name too long"),
		},
		{name: "a group that is no number", line: "ADD 7 FL bob@example.com b x", err: syntax(msnp.ADD, "group is not a number")},
		{name: "a negative group", line: "ADD 7 FL bob@example.com b -1", err: syntax(msnp.ADD, "group is not a number")},
		{name: "a group of more than 31 bits", line: "ADD 7 FL bob@example.com b 2147483648", err: syntax(msnp.ADD, "group is not a number")},
		{name: "no name", line: "ADD 7 FL bob@example.com", err: syntax(msnp.ADD, "too few parameters")},
	})
}

func TestREM(t *testing.T) {
	check(t, msnp.ParseREM, []parsing[msnp.ListChange]{
		{
			name: "from a list", line: "REM 22 FL bob@example.com",
			want: msnp.ListChange{TrID: "22", List: "FL", Handle: "bob@example.com", Group: msnp.NoGroup},
		},
		{
			name: "from a group", line: "REM 23 FL bob@example.com 0",
			want: msnp.ListChange{TrID: "23", List: "FL", Handle: "bob@example.com", Group: 0},
		},
		{
			name: "from a group that none can be", line: "REM 23 FL bob@example.com 99999",
			want: msnp.ListChange{TrID: "23", List: "FL", Handle: "bob@example.com", Group: 99999},
		},
		{name: "from a group that is no number", line: "REM 23 FL bob@example.com Friends", err: syntax(msnp.REM, "group is not a number")},
		{name: "nobody", line: "REM 23 FL", err: syntax(msnp.REM, "too few parameters")},
	})
}

func TestREA(t *testing.T) {
	long := strings.Repeat("n", msnp.MaxName)
	check(t, msnp.ParseREA, []parsing[msnp.Renaming]{
		{
			name: "a name", line: "REA 25 alice@example.com Alice%20is%20away",
			want: msnp.Renaming{TrID: "25", Handle: "alice@example.com", Name: "Alice is away"},
		},
		{name: "a name that is missing is empty", line: "REA 25 alice@example.com ", want: msnp.Renaming{TrID: "25", Handle: "alice@example.com"}},
		{name: "the longest name", line: "REA 25 a@b.c " + long, want: msnp.Renaming{TrID: "25", Handle: "a@b.c", Name: long}},
		{
			name: "the longest name of raw bytes", line: "REA 25 a@b.c " + strings.Repeat("\xff", 129),
			want: msnp.Renaming{TrID: "25", Handle: "a@b.c", Name: strings.Repeat("\xff", 129)},
		},
		{name: "a longer name", line: "REA 25 a@b.c n" + long, err: syntax(msnp.REA, "name too long")},
		{
			name: "raw bytes that would be too long when they are escaped", line: "REA 25 a@b.c " + strings.Repeat("\xff", 130),
			want: msnp.Renaming{TrID: "25", Handle: "a@b.c", Name: strings.Repeat("\xff", 129)},
		},
		{
			name: "raw characters that would be", line: "REA 25 a@b.c " + strings.Repeat("你", 44),
			want: msnp.Renaming{TrID: "25", Handle: "a@b.c", Name: strings.Repeat("你", 43)},
		},
		{name: "nobody", line: "REA 25", err: syntax(msnp.REA, "too few parameters")},
	})
}

func TestADG(t *testing.T) {
	check(t, msnp.ParseADG, []parsing[msnp.GroupChange]{
		{name: "a name", line: "ADG 30 Old%20friends 0", want: msnp.GroupChange{TrID: "30", Number: msnp.NoGroup, Name: "Old friends"}},
		{name: "without the literal 0", line: "ADG 30 Work", want: msnp.GroupChange{TrID: "30", Number: msnp.NoGroup, Name: "Work"}},
		{
			name: "the longest name", line: "ADG 30 " + strings.Repeat("g", 61) + " 0",
			want: msnp.GroupChange{TrID: "30", Number: msnp.NoGroup, Name: strings.Repeat("g", 61)},
		},
		{
			name: "a longer name", line: "ADG 30 " + strings.Repeat("g", 62) + " 0",
			want: msnp.GroupChange{TrID: "30", Number: msnp.NoGroup}, err: msnp.CodeGroupNameLong,
		},
		{
			name: "the longest name that is answered", line: "ADG 30 " + strings.Repeat("g", 127) + " 0",
			want: msnp.GroupChange{TrID: "30", Number: msnp.NoGroup}, err: msnp.CodeGroupNameLong,
		},
		{name: "a name beyond that", line: "ADG 30 " + strings.Repeat("g", 128) + " 0", err: syntax(msnp.ADG, "group name too long")},
		{name: "no name", line: "ADG 30", err: syntax(msnp.ADG, "too few parameters")},
	})
}

func TestREG(t *testing.T) {
	check(t, msnp.ParseREG, []parsing[msnp.GroupChange]{
		{name: "a name", line: "REG 31 3 Colleagues 0", want: msnp.GroupChange{TrID: "31", Number: 3, Name: "Colleagues"}},
		{name: "group 0", line: "REG 31 0 a", want: msnp.GroupChange{TrID: "31", Number: 0, Name: "a"}},
		{
			name: "a name that is too long", line: "REG 31 3 " + strings.Repeat("g", 62),
			want: msnp.GroupChange{TrID: "31", Number: 3}, err: msnp.CodeGroupNameLong,
		},
		{name: "a name far too long", line: "REG 31 3 " + strings.Repeat("g", 128), err: syntax(msnp.REG, "group name too long")},
		{name: "no name", line: "REG 31 3", err: syntax(msnp.REG, "too few parameters")},
		{name: "a number that no group has", line: "REG 31 30 a", err: syntax(msnp.REG, "group number out of range")},
		{name: "no number", line: "REG 31 a b", err: syntax(msnp.REG, "group is not a number")},
	})
}

func TestRMG(t *testing.T) {
	check(t, msnp.ParseRMG, []parsing[msnp.GroupChange]{
		{name: "a number", line: "RMG 32 3", want: msnp.GroupChange{TrID: "32", Number: 3}},
		{name: "group 0, for the server to refuse", line: "RMG 32 0", want: msnp.GroupChange{TrID: "32", Number: 0}},
		{name: "the last number", line: "RMG 32 29", want: msnp.GroupChange{TrID: "32", Number: 29}},
		{name: "one more", line: "RMG 32 30", err: syntax(msnp.RMG, "group number out of range")},
		{name: "far more", line: "RMG 32 4294967296", err: syntax(msnp.RMG, "group is not a number")},
		{name: "a name", line: "RMG 32 Work", err: syntax(msnp.RMG, "group is not a number")},
		{name: "nothing", line: "RMG 32", err: syntax(msnp.RMG, "too few parameters")},
	})
}

func TestGTC(t *testing.T) {
	check(t, msnp.ParseGTC, []parsing[msnp.Setting]{
		{name: "ask", line: "GTC 40 A", want: msnp.Setting{TrID: "40", Value: "A"}},
		{name: "do not", line: "GTC 40 N", want: msnp.Setting{TrID: "40", Value: "N"}},
		{name: "neither", line: "GTC 40 a", err: syntax(msnp.GTC, "unknown value")},
		{name: "a value of BLP", line: "GTC 40 AL", err: syntax(msnp.GTC, "unknown value")},
		{name: "nothing", line: "GTC 40", err: syntax(msnp.GTC, "too few parameters")},
	})
}

func TestBLP(t *testing.T) {
	check(t, msnp.ParseBLP, []parsing[msnp.Setting]{
		{name: "allow", line: "BLP 41 AL", want: msnp.Setting{TrID: "41", Value: "AL"}},
		{name: "block", line: "BLP 41 BL", want: msnp.Setting{TrID: "41", Value: "BL"}},
		{name: "neither", line: "BLP 41 FL", err: syntax(msnp.BLP, "unknown value")},
		{name: "nothing", line: "BLP 41", err: syntax(msnp.BLP, "too few parameters")},
	})
}

func TestPRP(t *testing.T) {
	long := strings.Repeat("5", msnp.MaxProperty)
	check(t, msnp.ParsePRP, []parsing[msnp.PropertyChange]{
		{
			name: "a phone number", line: "PRP 42 PHH 1%20(555)%20010",
			want: msnp.PropertyChange{TrID: "42", Type: "PHH", Value: "1 (555) 010"},
		},
		{name: "no value clears", line: "PRP 43 PHW", want: msnp.PropertyChange{TrID: "43", Type: "PHW"}},
		{name: "the longest value", line: "PRP 43 PHM " + long, want: msnp.PropertyChange{TrID: "43", Type: "PHM", Value: long}},
		{name: "a property for the server to refuse", line: "PRP 43 MFN x", want: msnp.PropertyChange{TrID: "43", Type: "MFN", Value: "x"}},
		{name: "a longer value", line: "PRP 43 PHM 5" + long, err: syntax(msnp.PRP, "property value too long")},
		{name: "a property of four letters", line: "PRP 43 PHHH", err: syntax(msnp.PRP, "property name too long")},
		{name: "nothing", line: "PRP 43", err: syntax(msnp.PRP, "too few parameters")},
	})
}
