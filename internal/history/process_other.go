//go:build !linux

package history

func resident() float64 { return fromRuntime() }
