// Package model compares the server with a small model of lists, privacy, presence and
// conversations: people do random things, and every line that each of them sees must be what
// the model says. It has tests only, and leaves transcripts of single behaviours to
// internal/server.
package model
