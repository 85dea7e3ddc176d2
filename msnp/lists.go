package msnp

import "unicode/utf8"

// ListChange is the request ADD or REM.
type ListChange struct {
	TrID   TrID
	List   string // FL, AL, BL or RL
	Handle string // as typed
	Name   string // ADD: the name given, decoded
	Group  int    // NoGroup when none is named
}

// ParseADD reads ADD. docs/protocol/lists.md#add
func ParseADD(f Frame) (ListChange, error) {
	m, err := parseListChange(f, 4)
	if err != nil {
		return m, err
	}
	if m.Name, err = f.name(3); err != nil {
		return m, err
	}
	m.Group, err = f.group(4)
	return m, err
}

// ParseREM reads REM. docs/protocol/lists.md#rem
func ParseREM(f Frame) (ListChange, error) {
	m, err := parseListChange(f, 3)
	if err != nil {
		return m, err
	}
	m.Group, err = f.group(3)
	return m, err
}

func parseListChange(f Frame, args int) (ListChange, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(args)
	}
	if err != nil {
		return ListChange{}, err
	}
	return ListChange{TrID: t, List: f.Arg(1), Handle: f.Arg(2), Group: NoGroup}, nil
}

// Renaming is the request REA.
type Renaming struct {
	TrID   TrID
	Handle string
	Name   string // decoded
}

// ParseREA reads REA. A missing name is an empty one, which the server refuses in its own
// words. docs/protocol/lists.md#rea
func ParseREA(f Frame) (Renaming, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(2)
	}
	if err != nil {
		return Renaming{}, err
	}
	m := Renaming{TrID: t, Handle: f.Arg(1)}
	if len(f.Args) > 2 {
		m.Name, err = f.name(2)
	}
	return m, err
}

// GroupChange is the request ADG, REG or RMG.
type GroupChange struct {
	TrID   TrID
	Number int    // REG and RMG
	Name   string // ADG and REG, decoded
}

// ParseADG reads ADG. A name that is too long is [CodeGroupNameLong].
// docs/protocol/lists.md#groups
func ParseADG(f Frame) (GroupChange, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(2)
	}
	if err != nil {
		return GroupChange{}, err
	}
	m := GroupChange{TrID: t, Number: NoGroup}
	m.Name, err = f.groupName(1)
	return m, err
}

// ParseREG reads REG. A name that is too long is [CodeGroupNameLong].
func ParseREG(f Frame) (GroupChange, error) {
	m, err := ParseRMG(f)
	if err == nil {
		err = f.need(3)
	}
	if err != nil {
		return m, err
	}
	m.Name, err = f.groupName(2)
	return m, err
}

// ParseRMG reads RMG. The number is 0 to 29.
func ParseRMG(f Frame) (GroupChange, error) {
	t, err := f.TrID()
	if err == nil {
		err = f.need(2)
	}
	if err != nil {
		return GroupChange{}, err
	}
	n, err := f.group(1)
	if err == nil && n >= 30 {
		err = f.syntax("group number out of range")
	}
	return GroupChange{TrID: t, Number: n}, err
}

// Setting is the request GTC or BLP.
type Setting struct {
	TrID  TrID
	Value string
}

// ParseGTC reads GTC: A or N.
func ParseGTC(f Frame) (Setting, error) { return parseSetting(f, "A", "N") }

// ParseBLP reads BLP: AL or BL.
func ParseBLP(f Frame) (Setting, error) { return parseSetting(f, "AL", "BL") }

func parseSetting(f Frame, one, other string) (Setting, error) {
	t, v, err := parseWord(f)
	if err == nil && v != one && v != other {
		err = f.syntax("unknown value")
	}
	return Setting{TrID: t, Value: v}, err
}

// PropertyChange is the request PRP.
type PropertyChange struct {
	TrID  TrID
	Type  string // three letters
	Value string // decoded; "" clears
}

// ParsePRP reads PRP. docs/protocol/lists.md#properties
func ParsePRP(f Frame) (PropertyChange, error) {
	t, typ, err := parseWord(f)
	if err != nil {
		return PropertyChange{}, err
	}
	m := PropertyChange{TrID: t, Type: typ}
	if len(typ) > 3 {
		return m, f.syntax("property name too long")
	}
	if len(f.Args) > 2 {
		if len(f.Args[2]) > MaxProperty {
			return m, f.syntax("property value too long")
		}
		m.Value = Unescape(f.Arg(2))
	}
	return m, nil
}

// name reads parameter i as a friendly or stored name.
func (f Frame) name(i int) (string, error) {
	if len(f.Args[i]) > MaxName {
		return "", f.syntax("name too long")
	}
	return clip(Unescape(f.Arg(i))), nil
}

// clip cuts a name that came raw and would be longer than a name may be once it is escaped,
// at the end of a character. Lines that carry it would not fit the buffers of old clients.
func clip(name string) string {
	for len(Escape(name)) > MaxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// groupName reads parameter i as a group's name.
func (f Frame) groupName(i int) (string, error) {
	switch n := len(f.Args[i]); {
	case n > maxGroupLine:
		return "", f.syntax("group name too long")
	case n > MaxGroupName:
		return "", CodeGroupNameLong
	}
	return Unescape(f.Arg(i)), nil
}

// group reads parameter i as a group number, which may be missing. One that no group can
// have is for the server to refuse in its own words.
func (f Frame) group(i int) (int, error) {
	if i >= len(f.Args) {
		return NoGroup, nil
	}
	n, err := parseUint(f.Args[i], 31)
	if err != nil {
		return NoGroup, f.syntax("group is not a number")
	}
	return int(n), nil
}
