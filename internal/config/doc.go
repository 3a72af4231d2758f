// Package config turns flags, environment and a YAML file into one validated struct for each program: it
// takes them from the program's main, gives them to its app, and is the only importer of viper, of which it
// uses an instance and keeps nothing. Of two sources of a key the flag wins over the environment, the
// environment over the file, the file over the default. Functions are pure apart from reading the named
// file and safe for concurrent use.
package config
