package server

import (
	"context"
	"time"
)

// drainer moves the people of this node away.
type drainer struct{ *Server }

// Drain implements admin.Drainer.
func (d drainer) Drain(pace int) {
	d.ns.Move(pace, d.tell)
}

// Undrain implements admin.Drainer.
func (d drainer) Undrain() {
	d.ns.Stay()
	d.announce()
}

// announce tells the other nodes at once how this one is.
func (s *Server) announce() {
	if s.cluster != nil {
		s.cluster.Announce()
	}
}

// telling is how long other nodes have to hear that this one drains, before it does.
const telling = 3 * time.Second

// tell tells the other nodes how this one is, and waits until they know. Who comes to one of them from here
// before it knew would be taken for somebody who signs in elsewhere, and put out of his conversations there.
func (s *Server) tell() {
	if s.cluster == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), telling)
	defer cancel()
	if err := s.cluster.Tell(ctx); err != nil {
		s.log.Warn("not every node may know that this one drains: some people may be put out of conversations there", "err", err)
	}
}
