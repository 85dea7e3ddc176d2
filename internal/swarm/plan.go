package swarm

import (
	"fmt"
	"iter"

	"monarch/internal/im"
	"monarch/internal/store"
)

// shape says who knows whom.
type shape string

const (
	strangers shape = "strangers" // nobody anybody
	ring      shape = "ring"      // everybody his nearest neighbours, on a ring, and they him
	halves    shape = "halves"    // the same, but people of even numbers only those of odd ones
	star      shape = "star"      // everybody the first one, who knows nobody
)

// plan says which accounts a work needs. Everything follows from its fields, so equal plans
// have equal accounts.
type plan struct {
	Shape    shape `json:"shape"`
	People   int   `json:"people"`
	Contacts int   `json:"contacts"` // on each one's list; even; of a ring or halves

	Strangers int `json:"strangers,omitempty"` // who come after the people and whom nobody knows
}

// name is that of the plan's directory.
func (p plan) name() string { return fmt.Sprintf("%s-%d-%d", p.Shape, p.People, p.Contacts) }

// everybody is how many accounts there are.
func (p plan) everybody() int { return p.People + p.Strangers }

// check refuses a plan that people would be on their own lists by.
func (p plan) check() error {
	reach := p.Contacts
	if p.Shape == halves {
		reach *= 2
	}
	switch {
	case p.People < 1:
		return fmt.Errorf("%d people; at least one is needed", p.People)
	case p.Shape != ring && p.Shape != halves:
		return nil
	case p.Contacts < 2 || p.Contacts%2 != 0:
		return fmt.Errorf("%d contacts for each: choose an even number", p.Contacts)
	case reach >= p.People:
		return fmt.Errorf("%d contacts for each are too many for %d people", p.Contacts, p.People)
	case p.Shape == halves && p.People%2 != 0:
		return fmt.Errorf("%d people do not make two halves", p.People)
	}
	return nil
}

// handle is the address of the person with a number, which counts from 0. All are of the
// same length, that of the baseline's, and sort in the order of the numbers.
func handle(i int) string {
	const digits = 100_000
	return fmt.Sprintf("%cser%05d@example.com", 'u'+rune((i+1)/digits), (i+1)%digits)
}

// firstName is what everybody calls himself at first.
const firstName = "User"

// contacts returns the numbers of the people that somebody has on his forward list.
func (p plan) contacts(i int) []int {
	switch p.Shape {
	case star:
		if i != 0 {
			return []int{0}
		}
	case ring, halves:
		all := make([]int, 0, p.Contacts)
		for k := range p.Contacts / 2 {
			step := k + 1
			if p.Shape == halves {
				step = 2*k + 1
			}
			all = append(all, (i+step)%p.People, (i-step+p.People)%p.People)
		}
		return all
	}
	return nil
}

// users are the accounts for the store. Nobody can sign in with a password: that would only
// measure how long hashing takes.
func (p plan) users() iter.Seq[store.NewUser] {
	return func(yield func(store.NewUser) bool) {
		for i := range p.everybody() {
			if !yield(store.NewUser{Handle: handle(i), Name: firstName}) {
				return
			}
		}
	}
}

// lists are the contacts of those from one number up to another for the store, all of them on the
// allow list too, as clients put them.
func (p plan) lists(from, to int) iter.Seq[store.NewContact] {
	return func(yield func(store.NewContact) bool) {
		for i := from; i < to; i++ {
			for _, c := range p.contacts(i) {
				if !yield(store.NewContact{Owner: handle(i), Peer: handle(c), Lists: im.Forward | im.Allow}) {
					return
				}
			}
		}
	}
}
