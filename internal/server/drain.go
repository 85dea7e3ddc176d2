package server

// drainer moves the people of this node away.
type drainer struct{ *Server }

// Drain implements admin.Drainer.
func (d drainer) Drain(pace int) {
	d.ns.Move(pace)
	d.announce()
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
