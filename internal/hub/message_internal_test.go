package hub

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// fill gives everything in v a value that is not zero, and no two the same.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		if v.CanUint() {
			v.SetUint(uint64(*n))
		} else {
			v.SetInt(int64(*n))
		}
	}
}

func TestEventsCrossBetweenNodes(t *testing.T) {
	for _, kind := range kinds {
		for _, full := range []bool{true, false} {
			v, n := reflect.New(kind).Elem(), 0
			if full {
				fill(v, &n)
			}
			ev := v.Interface().(Event)
			var got message
			if err := cbor.Unmarshal(encode(message{Event: address(7, 8, ev)}), &got); err != nil {
				t.Fatalf("%v: %v", kind, err)
			}
			back, err := got.Event.event()
			if err != nil || !reflect.DeepEqual(back, ev) || got.Event.User != 7 || got.Event.Number != 8 {
				t.Errorf("%#v comes back as %#v, %v", ev, back, err)
			}
		}
	}
}

func TestEventsThatNobodyKnowsAreRefused(t *testing.T) {
	for _, kind := range []int{-1, len(kinds)} {
		if ev, err := (&addressed{Kind: kind}).event(); err == nil {
			t.Errorf("kind %d is %v", kind, ev)
		}
	}
	if ev, err := (&addressed{Kind: 0, Body: cbor.RawMessage{0xff}}).event(); err == nil {
		t.Errorf("garbage is %v", ev)
	}
}

// Whatever is an event is for somebody elsewhere, or known not to be.
func TestEveryEventIsOfAKind(t *testing.T) {
	local := []string{"PresenceChanged", "Missed"}
	var known []string
	for _, k := range kinds {
		known = append(known, k.Name())
	}
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	events := 0
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || fn.Name.Name != "event" {
			continue
		}
		events++
		typ := fn.Recv.List[0].Type
		if p, ok := typ.(*ast.StarExpr); ok {
			typ = p.X
		}
		if name := typ.(*ast.Ident).Name; slices.Contains(known, name) == slices.Contains(local, name) {
			t.Errorf("%s must be in kinds or be local", name)
		}
	}
	if events != len(known)+len(local) {
		t.Errorf("%d events, want %d", events, len(known)+len(local))
	}
}

// A node of a later release says more, and things of which this one knows nothing.
func TestMessagesOfALaterRelease(t *testing.T) {
	b, err := cbor.Marshal(map[int]any{99: "new", 3: map[int]any{1: 5, 2: 6, 77: []string{"more"}}})
	if err != nil {
		t.Fatal(err)
	}
	var m message
	if err := cbor.Unmarshal(b, &m); err != nil || m.SignedOut == nil || *m.SignedOut != (signedOut{User: 5, Number: 6}) {
		t.Errorf("%+v, %v", m.SignedOut, err)
	}
}
