// Package arch keeps the rules of the house as tests: which package may import which, how
// long files and functions get, that each package introduces itself, and that documents and
// comments point at things that exist. What the code does is tested next to the code.
package arch
