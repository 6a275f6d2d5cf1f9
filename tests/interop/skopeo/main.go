// Copies an image as skopeo does, judged by a policy: skopeo itself is no module of Go's proxy, its library is.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/containers/image/v5/copy"
	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/transports/alltransports"
	"github.com/containers/image/v5/types"
)

func run() error {
	options := map[string]string{}
	var names []string
	for i := 1; i < len(os.Args); i++ {
		switch argument := os.Args[i]; {
		case argument == "--policy" || argument == "--registries.d":
			i++
			options[argument] = os.Args[i]
		case !strings.HasPrefix(argument, "--") && argument != "copy":
			names = append(names, argument)
		}
	}
	policy, err := signature.NewPolicyFromFile(options["--policy"])
	if err != nil {
		return err
	}
	judge, err := signature.NewPolicyContext(policy)
	if err != nil {
		return err
	}
	from, err := alltransports.ParseImageName(names[0])
	if err != nil {
		return err
	}
	to, err := alltransports.ParseImageName(names[1])
	if err != nil {
		return err
	}
	system := &types.SystemContext{
		RegistriesDirPath:           options["--registries.d"],
		DockerInsecureSkipTLSVerify: types.OptionalBoolTrue,
	}
	_, err = copy.Image(context.Background(), judge, to, from, &copy.Options{
		SourceCtx: system, DestinationCtx: system, RemoveSignatures: true,
	})
	return err
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
