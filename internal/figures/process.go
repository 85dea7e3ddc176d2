package figures

// Process is a running process, looked at from outside.
type Process struct {
	pid int
}

// Of returns the process with an id. Whether there is one shows when it is asked something.
func Of(pid int) Process {
	return Process{pid}
}
