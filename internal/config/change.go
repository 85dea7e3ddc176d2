package config

import "reflect"

// Changes returns the names of the settings in which c and other differ, in the order of the
// annotated file.
func (c Config) Changes(other Config) []string {
	mine, others := c.fields(), other.fields()
	var names []string
	for _, k := range Keys() {
		if !reflect.DeepEqual(mine[k.Name].Interface(), others[k.Name].Interface()) {
			names = append(names, k.Name)
		}
	}
	return names
}

// With returns c with the named settings as they are in other.
func (c Config) With(other Config, names ...string) Config {
	mine, others := c.fields(), other.fields()
	for _, name := range names {
		mine[name].Set(others[name])
	}
	return c
}
