// Package docs is the texts and pictures of the handbook, which every binary has in it. It leaves
// reading and showing them to handbook.
package docs

import "embed"

// Files are the documents by their paths from here. The pictures of the website and the decisions
// are for those who have the source.
//
//go:embed *.md clients/*.md protocol/*.md plots/*.svg
var Files embed.FS
