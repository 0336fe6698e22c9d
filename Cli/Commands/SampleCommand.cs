using System.CommandLine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan sample</c>: writes sequences drawn from a run's generator, one a line.</summary>
internal static class SampleCommand
{
    /// <summary>The command, writing to the output of <paramref name="surroundings"/>.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var run = new Argument<string>("run") { Description = "A run folder." };
        var count = new Option<int>("--count") { HelpName = "number", Description = "How many sequences.", DefaultValueFactory = _ => 10 };
        var temperature = new Option<double>("--temperature")
        {
            HelpName = "number",
            Description = "Divides the logits: 1 samples the model itself, less is safer and less varied.",
            DefaultValueFactory = _ => 1.0
        };
        var seed = new Option<long>("--seed") { HelpName = "number", Description = "Another seed, other samples.", DefaultValueFactory = _ => 1 };
        var best = new Option<bool>(
            "--best")
        { Description = "Use the selected checkpoint, of the lowest validation NLL in the last phase, instead of the latest." };
        var start = new Option<bool>("--start") { Description = "Use the weights that the last phase began with: pre-trained, or untrained ones." };
        var output = new Option<string>("--output") { HelpName = "file", Description = "Write to this file instead of standard output." };
        var command = new ExplainedCommand("sample", "Draws sequences from a run's generator, one a line.")
        {
            Examples =
            [
                new("gumbelgan sample runs/captions --count 20", "twenty sentences"),
                new("gumbelgan sample runs/captions --temperature 0.7 --best", "safer sentences, from the best checkpoint"),
            ],
        };
        command.Arguments.Add(run);
        command.Options.Add(count);
        command.Options.Add(temperature);
        command.Options.Add(seed);
        command.Options.Add(best);
        command.Options.Add(start);
        command.Options.Add(output);
        command.SetAction(parsed =>
        {
            int wanted = parsed.GetValue(count);
            double divisor = parsed.GetValue(temperature);
            if (wanted < 1 || !(divisor >= 0.001 && divisor <= 1000))
            {
                throw new UserMistakeException("--count must be at least 1 and --temperature between 0.001 and 1000.");
            }

            if (parsed.GetValue(start) && parsed.GetValue(best))
            {
                throw new UserMistakeException("--start and --best name different checkpoints; give one of them.");
            }

            RunFolder folder = RunFolder.Open(parsed.GetValue(run)!);
            (IGenerator generator, TextTokenizer tokenizer, RunConfig _) =
                TrainingJob.Load(folder, parsed.GetValue(start) ? folder.Start() : parsed.GetValue(best) ? folder.Best() : folder.Latest());
            using (generator)
            {
                IEnumerable<string> lines =
                    InterimEvaluation.Sample(generator, wanted, divisor, new RandomKey((ulong)parsed.GetValue(seed)).Derive("sample"))
                    .Select(row => tokenizer.Decode(row));
                if (parsed.GetValue(output) is { } path)
                {
                    AtomicFile.WriteAllText(path, string.Concat(lines.Select(line => line + "\n")));
                }
                else
                {
                    foreach (string line in lines)
                    {
                        surroundings.Output.WriteLine(line);
                    }
                }
            }

            return ExitCode.Done;
        });
        return command;
    }
}
