using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Training.Benchmarking;
using TorchSharp;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan bench</c>: times what training does, on this machine.</summary>
internal static class BenchCommand
{
    // A repeat of these takes seconds, not milliseconds, and draws as large batches as evaluation does.
    private const int SamplingRepeats = 3, SamplingBatch = 256;

    private static readonly JsonSerializerOptions _json = new() { WriteIndented = true };

    public static Command Create(Surroundings surroundings)
    {
        var defaults = new BenchmarkOptions();
        var subject =
            new Argument<string>("subject")
            {
                Description = "iteration (one adversarial iteration), mle (one maximum-likelihood step), sample "
                + "(drawing --count sequences) or reinforce (one policy-gradient step with --rollouts)."
            };
        Option<int> vocabulary = Number("--vocab", "Tokens in the vocabulary.", defaults.Vocabulary),
            length = Number("--length", "Tokens of a sequence.", defaults.Length);
        var batch = new Option<int?>("--batch")
        {
            HelpName = "number",
            Description = $"Sequences a step, {defaults.Batch} unless given; {SamplingBatch} a draw with sample."
        };
        Option<int> embedding = Number("--embedding", "Width of the embeddings of both networks.", defaults.Embedding),
            hidden = Number("--hidden", "Hidden units of both networks.", defaults.Hidden);
        var discriminator =
            new Option<string>("--discriminator")
            {
                HelpName = string.Join('|', DiscriminatorKind.All),
                Description = "The kind of judge, with the "
                + "options that it has where nothing is said.",
                DefaultValueFactory = _ => defaults.Discriminator.Name
            };
        var relaxation = new Option<string>("--relaxation")
        {
            HelpName = "name",
            Description = $"What samples of an iteration look like: {string.Join(", ", Relaxation.All)}.",
            DefaultValueFactory = _ => defaults.Relaxation.Name
        };
        Option<int> threads = Number("--threads", "Threads; 0 for one a core.", defaults.Threads),
            count = Number("--count", "Sequences that sample draws in a repeat.", defaults.Count);
        Option<int> rollOuts = Number("--rollouts", "Completions of every prefix with reinforce.", defaults.RollOuts);
        var repeats = new Option<int?>("--repeats")
        {
            HelpName = "number",
            Description = $"How often to time after the warm-up, {defaults.Repeats} times unless given; {SamplingRepeats} with sample."
        };
        var device = new Option<string>("--device") { HelpName = "cpu|cuda", Description = "Where to run.", DefaultValueFactory = _ => "cpu" };
        var composed =
            new Option<bool>("--composed") { Description = "Time the plain tensor operations that define the fused passes, in their place." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        subject.AcceptOnlyFromAmong("iteration", "mle", "sample", "reinforce");
        discriminator.AcceptOnlyFromAmong("lstm", "cnn");
        relaxation.AcceptOnlyFromAmong([.. Relaxation.All.Select(kind => kind.Name)]);
        device.AcceptOnlyFromAmong("cpu", "cuda");
        var command =
            new ExplainedCommand("bench", "Times an adversarial iteration, a maximum-likelihood step, sampling or a policy-gradient step: median, "
                + "minimum and maximum, and peak memory.")
            {
                Examples =
            [
                new("gumbelgan bench iteration", "case A of docs/benchmarks.md: V 5000, T 20, batch 64"),
                new("gumbelgan bench iteration --vocab 5000 --length 40 --hidden 512 --discriminator cnn --json", "larger networks; for a script"),
                new("gumbelgan bench sample --vocab 30 --length 12 --embedding 64 --hidden 64", "10,000 short sequences"),
            ],
            };
        command.Arguments.Add(subject);
        foreach (Option option in new Option[] { vocabulary, batch, length, embedding, hidden, discriminator, relaxation, threads, repeats,
            count, rollOuts,
            device, composed, json })
        {
            command.Options.Add(option);
        }

        command.SetAction(parsed =>
        {
            BenchmarkSubject kind = Enum.Parse<BenchmarkSubject>(parsed.GetRequiredValue(subject), ignoreCase: true);
            bool isSampling = kind == BenchmarkSubject.Sample;
            var options = new BenchmarkOptions
            {
                Subject = kind,
                Vocabulary = parsed.GetValue(vocabulary),
                Batch = parsed.GetValue(batch) ?? (isSampling ? SamplingBatch : defaults.Batch),
                Length = parsed.GetValue(length),
                Embedding = parsed.GetValue(embedding),
                Hidden = parsed.GetValue(hidden),
                Discriminator = DiscriminatorKind.Named(parsed.GetValue(discriminator)!),
                Relaxation = Relaxation.Named(parsed.GetValue(relaxation)!),
                Threads = parsed.GetValue(threads),
                Repeats = parsed.GetValue(repeats) ?? (isSampling ? SamplingRepeats : defaults.Repeats),
                Count = parsed.GetValue(count),
                RollOuts = parsed.GetValue(rollOuts),
                IsComposed = parsed.GetValue(composed),
                Device = parsed.GetValue(device)!,
            };
            options.Check();
            if (options.Device == "cuda" && !torch.cuda.is_available())
            {
                throw new UserMistakeException("The device is cuda, but libtorch finds no CUDA device; use --device cpu, or see docs/gpu.md.");
            }

            using var benchmark = new TrainingBenchmark(options);
            BenchmarkResult result = benchmark.Run(surroundings.Cancellation);
            surroundings.Output.WriteLine(parsed.GetValue(json) ? result.ToJson().ToJsonString(_json) : Table(options, result));
            return ExitCode.Done;
        });
        return command;
    }

    private static Option<int> Number(string name, string description, int value) =>
        new(name) { HelpName = "number", Description = description, DefaultValueFactory = _ => value };

    private static string Table(BenchmarkOptions options, BenchmarkResult result)
    {
        var lines = new List<string>
        {
            string.Create(CultureInfo.InvariantCulture, $"V {options.Vocabulary}, T {options.Length}, batch {options.Batch}, "
                + $"E {options.Embedding}, H {options.Hidden}, {options.Discriminator} "
                + $"discriminator, {options.Relaxation}{(options.IsComposed ? ", composed" : "")}; {result.Threads} threads, {options.Repeats} "
                + $"repeats").ToString(),
            "",
            $"{"milliseconds",-20} {"median",10} {"min",10} {"max",10}",
        };
        lines.AddRange(
            result.Phases.Select(phase => string.Create(CultureInfo.InvariantCulture,
            $"{phase.Name.Replace('_', ' '),-20} {phase.Median,10:F2} {phase.Minimum,10:F2} {phase.Maximum,10:F2}")));
        lines.Add("");
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"peak memory {result.PeakBytes / 1e6:F0} MB resident, libraries "
            + $"included{(result.PrivateBytes is { } bytes ? $"; {bytes / 1e6:F0} MB is the process's own" : "")}, {result.ManagedBytes / 1e6:F0} "
            + $"MB of it managed"));
        return string.Join('\n', lines);
    }
}
