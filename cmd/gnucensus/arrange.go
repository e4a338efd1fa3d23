package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange puts a command line into the order that the library demands: each flag right after the command that defines it,
// arguments last. People write flags wherever they think of them; the library would take them for arguments. Unknown flags
// and commands are found here, where the whole tree is at hand for a suggestion.
func arrange(app *cli.App, args []string) ([]string, error) {
	if last := args[len(args)-1]; last == "--generate-bash-completion" {
		return args, nil
	}
	a := arranger{levels: []level{{name: args[0], flags: app.Flags, commands: app.Commands}}}
	for rest := args[1:]; len(rest) > 0; {
		word := rest[0]
		rest = rest[1:]
		switch {
		case word == "--":
			a.arguments = append(a.arguments, rest...)
			rest = nil
		case len(word) > 1 && word[0] == '-' && !isNumber(word):
			taken, err := a.flag(word, rest)
			if err != nil {
				return nil, err
			}
			rest = rest[taken:]
		case len(a.levels) == 1 && word == "help": // help for what follows
			rest = append(rest[:len(rest):len(rest)], "--help")
		default:
			if err := a.word(word); err != nil {
				return nil, err
			}
		}
	}
	if a.helps && len(a.arguments) > 0 { // which the library would take for topics
		if !a.levels[len(a.levels)-1].argument {
			return nil, usage(a.hint(), "%s%q is one argument too many", a.within(), a.arguments[0])
		}
		a.arguments = nil
	}
	return a.line(), nil
}

// A level is one command on the way from the program to the command that acts.
type level struct {
	name     string
	flags    []cli.Flag
	commands []*cli.Command
	argument bool     // it takes one too
	given    []string // its flags on this command line, with their values
}

type arranger struct {
	levels    []level
	arguments []string
	helps     bool // it is asked for help
}

// flag files a flag under the innermost command that defines it. It returns how many of the words after it were its value.
func (a *arranger) flag(word string, rest []string) (taken int, err error) {
	name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
	for i := len(a.levels) - 1; i >= 0; i-- {
		l := &a.levels[i]
		known := l.known(i == 0)
		k := slices.IndexFunc(known, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
		if k < 0 {
			continue
		}
		l.given = append(l.given, word)
		a.helps = a.helps || slices.Contains(cli.HelpFlag.Names(), name)
		if _, isBool := known[k].(*cli.BoolFlag); isBool && !hasValue {
			return 0, nil
		}
		if !hasValue && len(rest) > 0 {
			value, taken = rest[0], 1
			l.given = append(l.given, value)
		}
		if value == "" { // as of a variable that a script did not set
			return 0, usage(a.hint(), "%sflag --%s needs a value", a.within(), name)
		}
		if want := amiss(known[k], value); want != "" {
			return 0, usage(a.hint(), "%s--%s: %q is not %s", a.within(), name, value, want)
		}
		return taken, nil
	}
	given, _, _ := strings.Cut(word, "=")
	return 0, usage(a.likely(name)+a.hint(), "%sunknown flag %s", a.within(), given)
}

// known lists the flags of a level, with those that the library adds by itself.
func (l *level) known(root bool) []cli.Flag {
	if root {
		return append(slices.Clip(l.flags), cli.HelpFlag, cli.VersionFlag)
	}
	return append(slices.Clip(l.flags), cli.HelpFlag)
}

// word descends into a command, or takes an argument where no command can follow.
func (a *arranger) word(word string) error {
	here := a.levels[len(a.levels)-1]
	for _, c := range here.commands {
		if c.HasName(word) {
			a.levels = append(a.levels, level{name: word, flags: c.Flags, commands: c.Subcommands, argument: c.ArgsUsage != ""})
			return nil
		}
	}
	if len(here.commands) > 0 && !here.argument {
		return usage(knownHere(here.commands), "%sunknown command %q", a.within(), word)
	}
	a.arguments = append(a.arguments, word)
	return nil
}

func knownHere(commands []*cli.Command) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return fmt.Sprintf("Known here: %s.", strings.Join(names, ", "))
}

// within names the command that an error is about, if it is about one.
func (a *arranger) within() string {
	if names := a.commands(); len(names) > 0 {
		return strings.Join(names, " ") + ": "
	}
	return ""
}

func (a *arranger) hint() string {
	return "See: " + strings.Join(append(append([]string{"gnucensus"}, a.commands()...), "--help"), " ")
}

func (a *arranger) commands() []string {
	var names []string
	for _, l := range a.levels[1:] {
		names = append(names, l.name)
	}
	return names
}

func (a *arranger) line() []string {
	var line []string
	for _, l := range a.levels {
		line = append(append(line, l.name), l.given...)
	}
	if len(a.arguments) > 0 {
		line = append(append(line, "--"), a.arguments...)
	}
	return line
}
