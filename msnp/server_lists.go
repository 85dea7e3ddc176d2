package msnp

import "bytes"

// SyncReply is the first line of the answer to SYN.
type SyncReply struct {
	TrID     TrID
	Version  uint32
	Current  bool // the client's copy is up to date: nothing follows
	Contacts int  // LST lines that follow
	Groups   int  // LSG lines that follow
}

// ParseSYNReply reads SYN as a server sends it. docs/protocol/lists.md#syn
func ParseSYNReply(f Frame) (SyncReply, error) {
	t, err := f.want(2)
	if err != nil {
		return SyncReply{}, err
	}
	v, err := f.number(1, 32)
	if err != nil {
		return SyncReply{}, err
	}
	m := SyncReply{TrID: t, Version: uint32(v), Current: len(f.Args) == 2}
	if m.Current {
		return m, nil
	}
	if err := f.need(4); err != nil {
		return m, err
	}
	contacts, err := f.number(2, 24)
	if err != nil {
		return m, err
	}
	groups, err := f.number(3, 24)
	m.Contacts, m.Groups = int(contacts), int(groups)
	return m, err
}

// ListedContact is a line LST: somebody on the lists.
type ListedContact struct {
	Handle string
	Name   string // stored name, decoded
	Lists  uint8  // bits: FL 1, AL 2, BL 4, RL 8
	Groups []int
}

// ParseLST reads LST.
func ParseLST(f Frame) (ListedContact, error) {
	if err := f.need(3); err != nil {
		return ListedContact{}, err
	}
	bits, err := f.number(2, 8)
	if err != nil {
		return ListedContact{}, err
	}
	m := ListedContact{Handle: f.Arg(0), Name: f.text(1), Lists: uint8(bits)}
	if len(f.Args) > 3 {
		for n := range bytes.SplitSeq(f.Args[3], []byte{','}) {
			if len(n) == 0 {
				continue
			}
			g, err := parseUint(n, 31)
			if err != nil {
				return m, f.syntax("group is not a number")
			}
			m.Groups = append(m.Groups, int(g))
		}
	}
	return m, nil
}

// ListedGroup is a line LSG.
type ListedGroup struct {
	Number int
	Name   string // decoded
}

// ParseLSG reads LSG.
func ParseLSG(f Frame) (ListedGroup, error) {
	if err := f.need(2); err != nil {
		return ListedGroup{}, err
	}
	n, err := f.group(0)
	return ListedGroup{Number: n, Name: f.text(1)}, err
}

// ListUpdate is ADD or REM as a server sends it, in answer or, with the TrID [Async], because
// somebody else changed something.
type ListUpdate struct {
	TrID    TrID
	List    string // FL, AL, BL or RL
	Version uint32
	Handle  string
	Name    string // ADD, decoded
	Group   int    // NoGroup when none is named
}

// ParseADDReply reads ADD. docs/protocol/lists.md#add
func ParseADDReply(f Frame) (ListUpdate, error) {
	m, err := parseListUpdate(f)
	if err != nil {
		return m, err
	}
	m.Name = f.text(4)
	m.Group, err = f.group(5)
	return m, err
}

// ParseREMReply reads REM. docs/protocol/lists.md#rem
func ParseREMReply(f Frame) (ListUpdate, error) {
	m, err := parseListUpdate(f)
	if err != nil {
		return m, err
	}
	m.Group, err = f.group(4)
	return m, err
}

func parseListUpdate(f Frame) (ListUpdate, error) {
	t, err := f.want(4)
	if err != nil {
		return ListUpdate{}, err
	}
	v, err := f.number(2, 32)
	return ListUpdate{TrID: t, List: f.Arg(1), Version: uint32(v), Handle: f.Arg(3), Group: NoGroup}, err
}

// NameUpdate is the answer to REA.
type NameUpdate struct {
	TrID    TrID
	Version uint32
	Handle  string
	Name    string // decoded
}

// ParseREAReply reads REA. docs/protocol/lists.md#rea
func ParseREAReply(f Frame) (NameUpdate, error) {
	t, err := f.want(4)
	if err != nil {
		return NameUpdate{}, err
	}
	v, err := f.number(1, 32)
	return NameUpdate{TrID: t, Version: uint32(v), Handle: f.Arg(2), Name: f.text(3)}, err
}

// GroupUpdate is the answer to ADG, REG or RMG.
type GroupUpdate struct {
	TrID    TrID
	Version uint32
	Number  int
	Name    string // ADG and REG, decoded
}

// ParseGroupReply reads ADG, REG or RMG, which differ in the order of their words.
// docs/protocol/lists.md#groups
func ParseGroupReply(f Frame) (GroupUpdate, error) {
	t, err := f.want(3)
	if err != nil {
		return GroupUpdate{}, err
	}
	v, err := f.number(1, 32)
	if err != nil {
		return GroupUpdate{}, err
	}
	m := GroupUpdate{TrID: t, Version: uint32(v)}
	number, name := 2, 3
	if f.Verb == ADG {
		number, name = 3, 2
	}
	if err := f.need(number + 1); err != nil {
		return m, err
	}
	m.Number, err = f.group(number)
	if f.Verb != RMG {
		m.Name = f.text(name)
	}
	return m, err
}

// SettingUpdate is GTC or BLP as a server sends it.
type SettingUpdate struct {
	TrID    TrID   // "" inside the answer to SYN
	Version uint32 // 0 inside the answer to SYN
	Value   string // A or N, AL or BL
}

// ParseSettingReply reads GTC or BLP, both inside the answer to SYN and on their own.
func ParseSettingReply(f Frame) (SettingUpdate, error) {
	if len(f.Args) == 1 {
		return SettingUpdate{Value: f.Arg(0)}, nil
	}
	t, err := f.want(3)
	if err != nil {
		return SettingUpdate{}, err
	}
	v, err := f.number(1, 32)
	return SettingUpdate{TrID: t, Version: uint32(v), Value: f.Arg(2)}, err
}

// PropertyUpdate is PRP or BPR as a server sends it.
type PropertyUpdate struct {
	TrID    TrID   // PRP in answer to a PRP
	Version uint32 // 0 inside the answer to SYN
	Handle  string // BPR outside of the answer to SYN: whose it is
	Type    string
	Value   string // decoded; "" for none
}

// ParsePRPReply reads PRP, both inside the answer to SYN and on its own.
// docs/protocol/lists.md#prp
func ParsePRPReply(f Frame) (PropertyUpdate, error) {
	if err := f.need(1); err != nil {
		return PropertyUpdate{}, err
	}
	t, err := f.TrID()
	if err != nil {
		return PropertyUpdate{Type: f.Arg(0), Value: f.text(1)}, nil //nolint:nilerr // without a TrID it is the form of SYN
	}
	if err := f.need(3); err != nil {
		return PropertyUpdate{}, err
	}
	v, err := f.number(1, 32)
	return PropertyUpdate{TrID: t, Version: uint32(v), Type: f.Arg(2), Value: f.text(3)}, err
}

// ParseBPR reads BPR. Inside the answer to SYN it has no handle and belongs to the last LST.
// docs/protocol/lists.md#bpr
func ParseBPR(f Frame) (PropertyUpdate, error) {
	if err := f.need(1); err != nil {
		return PropertyUpdate{}, err
	}
	v, err := parseUint(f.Args[0], 32)
	if err != nil {
		return PropertyUpdate{Type: f.Arg(0), Value: f.text(1)}, nil //nolint:nilerr // without a version it is the form of SYN
	}
	if err := f.need(3); err != nil {
		return PropertyUpdate{}, err
	}
	return PropertyUpdate{Version: uint32(v), Handle: f.Arg(1), Type: f.Arg(2), Value: f.text(3)}, nil
}

// ParsePresence reads ILN or NLN. A bare "<msnobj/>" and the word 0 stand for no object; the
// others are kept as they came. docs/protocol/presence.md#lines
func ParsePresence(f Frame) (Presence, error) {
	args := f.Args
	if f.Verb == ILN {
		if _, err := f.want(1); err != nil {
			return Presence{}, err
		}
		args = args[1:]
	}
	if len(args) < 3 {
		return Presence{}, f.syntax("too few parameters")
	}
	status, ok := ParseStatus(args[0])
	if !ok {
		return Presence{}, f.syntax("unknown status")
	}
	m := Presence{Status: status, Handle: string(args[1]), Name: Unescape(string(args[2]))}
	if len(args) > 3 {
		flags, err := parseUint(args[3], 64)
		if err != nil {
			return m, f.syntax("client id is not a number")
		}
		m.Flags = flags
	}
	if len(args) > 4 && string(args[4]) != "0" && Unescape(string(args[4])) != "<msnobj/>" {
		m.Object = string(args[4])
	}
	return m, nil
}

// ParseFLN returns who went off line.
func ParseFLN(f Frame) (string, error) {
	if err := f.need(1); err != nil {
		return "", err
	}
	return f.Arg(0), nil
}
