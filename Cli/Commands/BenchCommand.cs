using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Cli.Ranks;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Training.Benchmarking;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan bench</c>: times what training does, on this machine.</summary>
internal static class BenchCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("bench", "Times an adversarial iteration, a maximum-likelihood step, sampling, a policy-gradient step, or "
            + "what ranks wait for each other: median, minimum and maximum, and peak memory.", request =>
                RankedCommand.Run(surroundings, (ranks, own) => Run(request, own, ranks)))
        {
            Examples =
            [
                new("gumbelgan bench iteration", "case A of docs/benchmarks.md: V 5000, T 20, batch 64"),
                new("gumbelgan bench iteration --vocab 5000 --length 40 --hidden 512 --discriminator cnn --json", "larger networks; for a script"),
                new("gumbelgan bench allreduce", "with 'mpirun -n 2' before it: how long two ranks take to add up their gradients"),
                new("gumbelgan bench iteration --generator relational --discriminator relgan --discriminator-steps 5 "
                    + "--set adversarial.loss=relativistic", "RelGAN at its published sizes"),
                new("gumbelgan bench sample --vocab 30 --length 12 --embedding 64 --hidden 64", "10,000 short sequences"),
            ],
        }
        .ChosenWord("subject", string.Join("; ", BenchmarkSubject.All.Select(subject => $"{subject}: {subject.Explanation}")) + ".",
            request => request.Benchmark.Subject, BenchmarkSubject.All)
        .Number("--vocab", "Tokens in the vocabulary.", request => request.Benchmark.Vocabulary)
        .Number("--batch", $"Sequences a step, {BenchmarkOptions.UsualBatch} unless given; {BenchmarkOptions.SamplingBatch} a draw with sample.",
            request => request.Benchmark.Batch, hasVaryingDefault: true)
        .Number("--length", "Tokens of a sequence.", request => request.Benchmark.Length)
        .Number("--embedding", $"Width of the embeddings of both networks; {Published()} have published sizes where no size is given.",
            request => request.Benchmark.Embedding)
        .Number("--hidden", "Hidden units of both networks, likewise.", request => request.Benchmark.Hidden)
        .Chosen("--generator", "The kind of generator.", request => request.Benchmark.Generator, GeneratorKind.All)
        .Chosen("--discriminator", "The kind of judge, with the options that it has where nothing is said.",
            request => request.Benchmark.Discriminator,
            DiscriminatorKind.All)
        .Number("--discriminator-steps", "Discriminator updates of an iteration.", request => request.Benchmark.DiscriminatorSteps)
        .Chosen("--relaxation", "What relaxed samples look like.", request => request.Benchmark.Relaxation, Relaxation.All)
        .Number("--threads", "Threads; 0 for one a core.", request => request.Benchmark.Threads)
        .Number("--repeats", $"How often to time after the warm-up, {BenchmarkOptions.UsualRepeats} times unless given; "
            + $"{BenchmarkOptions.SamplingRepeats} with sample.", request => request.Benchmark.Repeats, hasVaryingDefault: true)
        .Number("--count", "Sequences that sample draws in a repeat.", request => request.Benchmark.Count)
        .Number("--rollouts", "With reinforce: completions of every prefix, which its rewards come from.", request => request.Benchmark.RollOuts)
        .Chosen("--device", "Where to run.", request => request.Benchmark.Device, ["cpu", "cuda"])
        .Flag("--composed", "Time the plain tensor operations that define the fused passes, in their place.", request => request.Benchmark.IsComposed)
        .Flag("--gradient-penalty",
            $"Play the {new BenchmarkOptions { HasGradientPenalty = true }.Loss} game with a gradient penalty, instead of the "
            + $"{new BenchmarkOptions().Loss} one.",
            request => request.Benchmark.HasGradientPenalty)
        .Texts("--set", "key=value", "Override one configuration key, such as adversarial.loss; may be given several times.",
            (request, text) => request with
            {
                Benchmark = request.Benchmark with { Settings = [.. request.Benchmark.Settings, ConfigurationAssignment.Parse(text)] },
            })
        .Flag("--json", "Print one JSON document instead of a table.", request => request.IsJson);

    private static string Published() => string.Join(" and ", [
        .. GeneratorKind.All.Where(kind => kind.HasPublishedSizes).Select(kind => kind.Name),
        .. DiscriminatorKind.All.Where(kind => kind.HasPublishedSizes).Select(kind => kind.Name)]);

    private static int Run(Request request, Surroundings surroundings, ICollective ranks)
    {
        BenchmarkResult result = Measured(request.Benchmark, ranks, surroundings.Cancellation);
        surroundings.Print(
            request.IsJson, () => result.ToJson().ToJsonString(JsonFormat.Options),
            writer => BenchmarkTable.Write(request.Benchmark, result, writer));

        return ExitCode.Done;
    }

    private static BenchmarkResult Measured(BenchmarkOptions options, ICollective ranks, CancellationToken cancellation)
    {
        if (options.Subject == BenchmarkSubject.Allreduce)
        {
            options.Check(ranks.Size);
            return AllReduceBenchmark.Run(options.Repeats, ranks, cancellation);
        }

        using var benchmark = new TrainingBenchmark(options, ranks);
        return benchmark.Run(cancellation);
    }

    private sealed record Request
    {
        public BenchmarkOptions Benchmark { get; init; } = new();

        public bool IsJson { get; init; }
    }
}
