using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Laboratory;
using GumbelGan.Laboratory.Output;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan gradients</c>: bias and variance of the gradient estimators.</summary>
internal static class GradientsCommand
{
    private static readonly Request _usual = new();

    private enum ReadBack
    {
        Relaxed,
        Hard,
        Both,
    }

    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("gradients",
            "Bias and variance of the gradient estimators: exactly, at small generators whose every sequence is enumerated, or at a checkpoint of a "
                + "run.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan gradients --vocab 6 --length 6", "46,656 sequences; every estimator beside the truth"),
                new("gumbelgan gradients --length 2,4,6 --temperatures 0.1,0.5,1,2,4 --report gradients.html", "three settings, with charts"),
                new("gumbelgan gradients --run runs/captions --samples 153600", "at a real run, and what its discriminator tells apart"),
            ],
        }
        .Numbers("--vocab", "Tokens that can be generated; every sequence is enumerated.", request => request.Small.Vocabularies)
        .Numbers("--length", "Tokens of the longest sequence.", request => request.Small.Lengths)
        .Numbers("--logit-scale", "What a fresh generator's logits are multiplied by; 1 is nearly uniform.", request => request.Small.LogitScales)
        .Numbers("--sharpness", "Of the reward, the sigmoid of this times the standardised score; 0 for that score itself.",
            request => request.Small.Sharpnesses)
        .Numbers("--temperatures", "Of the relaxations.", request => request.Small.Temperatures)
        .Chosen("--feedback", "What the generator reads back; relaxed unless given, both with --run.", request => (ReadBack)request.ReadBack!,
            Enum.GetValues<ReadBack>(), hasVaryingDefault: true)
        .Flag("--ends", "The last token of the vocabulary ends a sequence; else all have the same length.", request => request.Small.Ends)
        .Number("--embedding", "Width of both networks' embeddings.", request => request.Small.Embedding)
        .Number("--hidden", "Hidden units of both networks.", request => request.Small.Hidden)
        .Chosen("--discriminator", "The kind of judge, its weights as initialised.", request => request.Small.Discriminator, DiscriminatorKind.All)
        .Number("--draws", "How often noise is drawn for each sequence, where samples are hard and have noise.", request => request.Small.Draws)
        .Number("--samples", $"Soft samples, {_usual.Small.Samples} unless given; with --run samples of the reference, {_usual.AtRun.Samples} unless "
            + "given.", request => (int)request.Samples!, hasVaryingDefault: true)
        .Text("--run", "folder", "Measure at this run's latest checkpoint instead, its discriminator frozen.", request => request.AtRun.Run)
        .Flag("--best", "With --run: the checkpoint with the lowest validation NLL instead of the latest.", request => request.AtRun.Best)
        .Number("--batches", "With --run: batches of each estimator.", request => request.AtRun.Batches)
        .Number("--batch", "Sequences of a batch.", request => request.Small.Batch)
        .Number("--seed", "Keys weights and noise.", request => request.Small.Seed)
        .Number("--threads", "Threads; 0 for one a core.", request => request.Small.Threads)
        .Flag("--json", "Print one JSON document instead of tables.", request => request.IsJson)
        .Text("--report", "file", "Also write one self-contained HTML page with charts and tables.", request => request.Report, FileUse.Write)
        .Text("--log", "folder", "Also write charts for TensorBoard into this folder, over the temperature in thousandths.",
            request => request.Log);

    private static int Run(Request request, Surroundings surroundings)
    {
        IProgress<string>? progress = surroundings.Progress.Profile.Capabilities.Interactive
            ? new LinesTo(new TableWriter(surroundings with { Output = surroundings.Error })) : null;
        IReadOnlyList<GradientTable> tables = request.AtRun.Run.Length > 0
            ? [RunGradients.Measure(request.OfRun, progress, surroundings.Cancellation)]
            : GradientSweep.Run(request.OfSweep, progress, surroundings.Cancellation);
        surroundings.Print(
            request.IsJson, () => GradientJson.Render(tables), writer => GradientText.Write(tables, writer.WriteLine, rows => writer.Write(rows)));

        if (request.Report is { } file)
        {
            PageFile.Write(file, "report", charts => GradientPage.Render(tables, charts, surroundings.Clock.GetUtcNow()), surroundings);
        }

        if (request.Log is { } records)
        {
            GradientRecords.Write(records, tables);
        }

        return ExitCode.Done;
    }

    private sealed record Request
    {
        public GradientSweepOptions Small { get; init; } = new();

        public RunGradientOptions AtRun { get; init; } = new() { Run = "" };

        public ReadBack? ReadBack { get; init; }

        public int? Samples { get; init; }

        public bool IsJson { get; init; }

        public string? Report { get; init; }

        public string? Log { get; init; }

        public GradientSweepOptions OfSweep => Small with { Samples = Samples ?? Small.Samples, Feedbacks = Feedbacks ?? Small.Feedbacks };

        public RunGradientOptions OfRun => AtRun with
        {
            Samples = Samples ?? AtRun.Samples,
            Feedbacks = Feedbacks ?? AtRun.Feedbacks,
            Temperatures = Small.Temperatures,
            Batch = Small.Batch,
            Seed = Small.Seed,
            Threads = Small.Threads,
        };

        private IReadOnlyList<Feedback>? Feedbacks => ReadBack switch
        {
            null => null,
            GradientsCommand.ReadBack.Both => [Feedback.Relaxed, Feedback.Hard],
            GradientsCommand.ReadBack.Hard => [Feedback.Hard],
            _ => [Feedback.Relaxed],
        };
    }

    /// <summary>Each report a line, in the order of reporting.</summary>
    private sealed class LinesTo(TableWriter writer) : IProgress<string>
    {
        public void Report(string value) => writer.WriteLine(value);
    }
}
