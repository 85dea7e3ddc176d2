// Command monarch runs and manages an MSN Messenger service. What it can do is in package
// cli.
package main

import (
	"os"

	"monarch/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
