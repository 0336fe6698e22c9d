using GumbelGan.Training.Configuration;
using GumbelGan.Training.Sweeps;

namespace GumbelGan.Cli;

/// <summary>What stands in a sweep file, under the command's help.</summary>
internal static class SweepHelp
{
    public static void Write(TextWriter output)
    {
        output.WriteLine(
            """
            'gumbelgan compare FOLDER' takes all runs of a sweep, by setting, on the test split.

            The sweep file: settings are the product of 'list', 'grid' and 'random', as far as they are there.
            Paths are relative to the working folder.

              recipe: arithmetic                    # as train --recipe
              config:                               # as in a configuration file; overrides the recipe
                corpus: corpora/arithmetic.txt
              seeds: [1, 2, 3]
              list:                                 # named settings
                gumbel: { objective: gumbel }
                rloo: { objective: reinforce, reinforce: { baseline: leave_one_out } }
              grid:                                 # every combination
                adversarial.batch_size: [16, 64]
              random:                               # draws; the same seed gives the same ones
                draws: 8
                ranges:
                  adversarial.generator_learning_rate: { log_uniform: [1e-4, 1e-2] }
                  temperature.initial: { uniform: [0.5, 2] }
                  generator.hidden: { integer: [32, 128] }
                  adversarial.loss: { choice: [hinge, wasserstein] }

            """);
        ConfigurationHelp.Write(output, ConfigurationReader.Keys<SweepOptions>(), "Other keys of a sweep file:");
    }
}
