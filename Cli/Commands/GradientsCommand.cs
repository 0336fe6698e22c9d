using System.CommandLine;
using System.Globalization;
using GumbelGan.Cli.Printing;
using GumbelGan.Discriminators;
using GumbelGan.Evaluation.Report;
using GumbelGan.Generators;
using GumbelGan.Laboratory;
using GumbelGan.Laboratory.Output;
using GumbelGan.Storage;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan gradients</c>: bias and variance of the gradient estimators.</summary>
internal static class GradientsCommand
{
    /// <summary>The command, writing to the output of <paramref name="surroundings"/>.</summary>
    public static Command Create(Surroundings surroundings)
    {
        GradientSweepOptions small = new();
        RunGradientOptions large = new() { Run = "" };
        Option<string> vocabularies = List("--vocab", "Tokens that can be generated; every sequence is enumerated.", small.Vocabularies);
        Option<string> lengths = List("--length", "Tokens of the longest sequence.", small.Lengths);
        Option<string> scales = List("--logit-scale", "What a fresh generator's logits are multiplied by; 1 is nearly uniform.", small.LogitScales);
        Option<string> sharpnesses =
            List("--sharpness", "Of the reward, the sigmoid of this times the standardised score; 0 for that score itself.", small.Sharpnesses);
        Option<string> temperatures = List("--temperatures", "Of the relaxations.", small.Temperatures);
        var feedbacks = new Option<string?>("--feedback")
        {
            HelpName = "relaxed|hard|both",
            Description = "What the generator reads back; relaxed unless given, both with --run."
        };
        var ends = new Option<bool>("--ends") { Description = "The last token of the vocabulary ends a sequence; else all have the same length." };
        Option<int> embedding = Number("--embedding", "Width of both networks' embeddings.", small.Embedding),
            hidden = Number("--hidden", "Hidden units of both networks.", small.Hidden);
        var discriminator = new Option<string>("--discriminator")
        {
            HelpName = string.Join('|', DiscriminatorKind.All),
            Description = "The kind of judge, its weights as initialised.",
            DefaultValueFactory = _ => small.Discriminator.Name,
        };
        discriminator.AcceptOnlyFromAmong([.. DiscriminatorKind.All.Select(kind => kind.Name)]);
        feedbacks.AcceptOnlyFromAmong("relaxed", "hard", "both");
        Option<int> draws = Number("--draws", "How often noise is drawn for each sequence, where samples are hard and have noise.", small.Draws);
        var samples = new Option<int?>("--samples")
        {
            HelpName = "number",
            Description = $"Soft samples, {small.Samples} unless given; with --run samples of the reference, {large.Samples} unless given.",
        };
        var run = new Option<string?>("--run")
        {
            HelpName = "folder",
            Description = "Measure at this run's latest checkpoint instead, its discriminator frozen."
        };
        var best = new Option<bool>("--best") { Description = "With --run: the checkpoint with the lowest validation NLL instead of the latest." };
        Option<int> batches = Number("--batches", "With --run: batches of each estimator.", large.Batches),
            batch = Number("--batch", "Sequences of a batch.", large.Batch);
        Option<int> seed = Number("--seed", "Keys weights and noise.", (int)small.Seed),
            threads = Number("--threads", "Threads; 0 for one a core.", small.Threads);
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var report =
            new Option<string?>("--report") { HelpName = "file", Description = "Also write one self-contained HTML page with charts and tables." };
        var log = new Option<string?>("--log")
        {
            HelpName = "folder",
            Description = "Also write charts for TensorBoard into this folder, over the temperature in thousandths."
        };
        var command = new ExplainedCommand(
            "gradients", "Bias and variance of the gradient estimators: exactly, at small generators whose every sequence is enumerated, or at a "
                + "checkpoint of a run.")
        {
            Examples =
            [
                new("gumbelgan gradients --vocab 6 --length 6", "46,656 sequences; every estimator beside the truth"),
                new("gumbelgan gradients --length 2,4,6 --temperatures 0.1,0.5,1,2,4 --report gradients.html", "three settings, with charts"),
                new("gumbelgan gradients --run runs/captions --samples 153600", "at a real run, and what its discriminator tells apart"),
            ],
        };
        foreach (Option option in (Option[])
            [vocabularies, lengths, scales, sharpnesses, temperatures, feedbacks, ends, embedding, hidden, discriminator, draws, samples, run, best,
                batches, batch, seed, threads, json, report, log])
        {
            command.Options.Add(option);
        }

        command.SetAction(parsed =>
        {
            double[] ofRelaxations = Numbers<double>(parsed.GetValue(temperatures)!, "--temperatures");
            Feedback[]? read = parsed.GetValue(feedbacks) switch
            {
                null => null,
                "both" => [Feedback.Relaxed, Feedback.Hard],
                string one => [Enum.Parse<Feedback>(one, ignoreCase: true)]
            };
            IProgress<string>? progress = surroundings.Progress.Profile.Capabilities.Interactive ? new LinesTo(surroundings.Error) : null;
            IReadOnlyList<GradientTable> tables;
            if (parsed.GetValue(run) is { } folder)
            {
                tables =
                [
                    RunGradients.Measure(
                        new RunGradientOptions
                        {
                            Run = folder,
                            Best = parsed.GetValue(best),
                            Samples = parsed.GetValue(samples) ?? large.Samples,
                            Batches = parsed.GetValue(batches),
                            Batch = parsed.GetValue(batch),
                            Temperatures = ofRelaxations,
                            Feedbacks = read ?? large.Feedbacks,
                            Seed = parsed.GetValue(seed),
                            Threads = parsed.GetValue(threads),
                        },
                        progress,
                        surroundings.Cancellation),
                ];
            }
            else
            {
                var options = new GradientSweepOptions
                {
                    Vocabularies = Numbers<int>(parsed.GetValue(vocabularies)!, "--vocab"),
                    Lengths = Numbers<int>(parsed.GetValue(lengths)!, "--length"),
                    LogitScales = Numbers<double>(parsed.GetValue(scales)!, "--logit-scale"),
                    Sharpnesses = Numbers<double>(parsed.GetValue(sharpnesses)!, "--sharpness"),
                    Temperatures = ofRelaxations,
                    Feedbacks = read ?? small.Feedbacks,
                    Ends = parsed.GetValue(ends),
                    Embedding = parsed.GetValue(embedding),
                    Hidden = parsed.GetValue(hidden),
                    Discriminator = DiscriminatorKind.Named(parsed.GetValue(discriminator)!),
                    Draws = parsed.GetValue(draws),
                    Samples = parsed.GetValue(samples) ?? small.Samples,
                    Batch = parsed.GetValue(batch),
                    Seed = parsed.GetValue(seed),
                    Threads = parsed.GetValue(threads),
                };
                tables = GradientSweep.Run(options, progress, surroundings.Cancellation);
            }

            if (parsed.GetValue(json))
            {
                surroundings.Output.WriteLine(GradientJson.Render(tables).TrimEnd('\n'));
            }
            else
            {
                var writer = new TableWriter(surroundings);
                GradientText.Write(tables, writer.WriteLine, rows => writer.Write(rows));
            }

            if (parsed.GetValue(report) is { } file)
            {
                var charts = ChartLibrary.Find(AppContext.BaseDirectory, Directory.GetCurrentDirectory());
                AtomicFile.WriteAllText(file, GradientPage.Render(tables, charts, surroundings.Clock.GetUtcNow()));
                surroundings.Error.WriteLine(charts is null ? $"The report is {file}. {ChartLibrary.HowToGet}" : $"The report is {file}.");
            }

            if (parsed.GetValue(log) is { } records)
            {
                GradientRecords.Write(records, tables);
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static Option<int> Number(string name, string description, int value) =>
        new(name) { HelpName = "number", Description = description, DefaultValueFactory = _ => value };

    private static Option<string> List<T>(string name, string description, IReadOnlyList<T> values)
        where T : IFormattable => new(name)
        {
            HelpName = "list",
            Description = description,
            DefaultValueFactory = _ => string.Join(',', values.Select(value => value.ToString(null, CultureInfo.InvariantCulture))),
        };

    private static T[] Numbers<T>(string list, string option)
        where T : struct, IParsable<T> =>
        [
            .. list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(item => T.TryParse(item, CultureInfo.InvariantCulture, out T value)
                ? value
                : throw new UserMistakeException(
                    $"{option} has '{item}'; give {(typeof(T) == typeof(int) ? "whole numbers" : "numbers")}, separated by commas.")),
        ];

    /// <summary>Each report a line, in the order of reporting.</summary>
    private sealed class LinesTo(TextWriter writer) : IProgress<string>
    {
        public void Report(string value) => writer.WriteLine(value);
    }
}
