package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// Each shell asks the program itself what may come next, by the hidden flag that the library answers.
const (
	bashCompletion = `_gnucensus() {
	local current=${COMP_WORDS[COMP_CWORD]}
	local line=("${COMP_WORDS[@]:0:COMP_CWORD}")
	[[ $current == -* ]] && line+=("$current")
	COMPREPLY=($(compgen -W "$("${line[@]}" --generate-bash-completion 2>/dev/null)" -- "$current"))
}
complete -o default -F _gnucensus gnucensus
`
	zshCompletion = `#compdef gnucensus
_gnucensus() {
	local -a line found
	line=("${words[@]:0:$((CURRENT-1))}")
	[[ ${words[CURRENT]} == -* ]] && line+=("${words[CURRENT]}")
	found=("${(@f)$("${line[@]}" --generate-bash-completion 2>/dev/null)}")
	[[ -n ${found[1]} ]] && compadd -- "${found[@]}" || _files
}
compdef _gnucensus gnucensus
`
)

func (p *program) completionCommand() *cli.Command {
	script := func(name, where string, text func(*cli.App) (string, error)) *cli.Command {
		return &cli.Command{
			Name:        name,
			Usage:       "print the completion script for " + name,
			Description: "Example:\n  " + where,
			Action: func(c *cli.Context) error {
				if _, err := arguments(c); err != nil {
					return err
				}
				s, err := text(c.App)
				if err == nil {
					_, err = fmt.Fprint(p.stdout, s)
				}
				return err
			},
		}
	}
	return &cli.Command{
		Name:  "completion",
		Usage: "print a script that lets a shell complete commands and flags",
		Subcommands: []*cli.Command{
			script("bash", "source <(gnucensus completion bash)", func(*cli.App) (string, error) { return bashCompletion, nil }),
			script("zsh", "source <(gnucensus completion zsh)", func(*cli.App) (string, error) { return zshCompletion, nil }),
			script("fish", "gnucensus completion fish | source", (*cli.App).ToFishCompletion),
		},
	}
}
