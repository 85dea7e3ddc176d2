//go:build !linux

package doctor

// What only Linux is asked for here.

func owner(string) (uid uint32, ok bool) { return 0, false }

func freeSpace(string) (bytes uint64, ok bool) { return 0, false }

func synchronised() (yes, ok bool) { return false, false }

func fileLimit() (n uint64, ok bool) { return 0, false }
