using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Storage;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan metrics</c>: compares any two text files, one sequence a line.</summary>
internal static class MetricsCommand
{
    // The document goes to a terminal or a parser, never into a page, so apostrophes may stay readable.
    private static readonly JsonSerializerOptions _json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The command, which prints on <paramref name="output"/>.</summary>
    public static Command Create(TextWriter output)
    {
        var generated = new Option<string>("--generated")
        {
            HelpName = "file",
            Description = "The text to judge, one sequence a line; an empty line is an empty sequence.",
            Required = true
        };
        var reference = new Option<string>("--reference")
        {
            HelpName = "file",
            Description = "Held-out text of the same kind, one sequence a line.",
            Required = true
        };
        var training =
            new Option<string>("--training") { HelpName = "file", Description = "The text that the model was trained on; adds the novelty rate." };
        var unit = new Option<string>("--unit")
        {
            HelpName = "word|character",
            Description = "What counts as a token: words between white space, or characters.",
            DefaultValueFactory = _ => "word"
        };
        var threads =
            new Option<int>("--threads") { HelpName = "number", Description = "Threads to use; 0 for one a core.", DefaultValueFactory = _ => 0 };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        unit.AcceptOnlyFromAmong("word", "character");
        var command =
            new ExplainedCommand("metrics", "Measures one text file against another: BLEU, self-BLEU, overlap, diversity, novelty, lengths.")
            {
                Examples =
            [
                new("gumbelgan metrics --generated samples.txt --reference test.txt", "judge samples against held-out text"),
                new("gumbelgan metrics --generated samples.txt --reference test.txt --training train.txt --json", "add novelty; for a script"),
            ],
            };
        foreach (Option option in new Option[] { generated, reference, training, unit, threads, json })
        {
            command.Options.Add(option);
        }

        command.SetAction(parsed =>
        {
            int wanted = parsed.GetValue(threads);
            if (wanted < 0)
            {
                throw new UserMistakeException($"--threads is {wanted}; give 0 for one thread a core, or a positive number.");
            }

            var sequences = new TextSequences(parsed.GetValue(unit) == "character" ? TextUnit.Character : TextUnit.Word);
            var inputs = new MetricInputs
            {
                Generated = Read(sequences, parsed.GetRequiredValue(generated)),
                References = Read(sequences, parsed.GetRequiredValue(reference)),
                Training = parsed.GetValue(training) is { } file ? Read(sequences, file) : null,
                Threads = wanted == 0 ? -1 : wanted,
            };
            IReadOnlyList<MetricResult> results = MetricCatalogue.Compute(inputs);
            if (parsed.GetValue(json))
            {
                output.WriteLine(MetricCatalogue.ToJson(results).ToJsonString(_json));
            }
            else
            {
                WriteTable(results, output);
            }

            return 0;
        });
        return command;
    }

    private static List<int[]> Read(TextSequences sequences, string file)
    {
        try
        {
            List<int[]> read = sequences.Read(File.ReadLines(file, new UTF8Encoding(false, throwOnInvalidBytes: true)));
            return read.Count > 0 ? read : throw new UserMistakeException($"{file} is empty; give a text file with one sequence a line.");
        }
        catch (DecoderFallbackException cause)
        {
            throw new UserMistakeException($"{file} is not UTF-8 text; convert it first.", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException(
                $"{file} cannot be read ({cause.Message.TrimEnd('.')}); give a text file with one sequence a line.", cause);
        }
    }

    private static void WriteTable(IReadOnlyList<MetricResult> results, TextWriter output)
    {
        int width = results.SelectMany(result => result.Tagged).Max(tagged => tagged.Tag.Length);
        foreach (MetricResult result in results)
        {
            output.WriteLine(result.Name);
            foreach ((string tag, double value) in result.Tagged)
            {
                output.WriteLine(
                    $"  {tag.PadRight(width)}  {(double.IsFinite(value) ? value.ToString("0.000000", CultureInfo.InvariantCulture) : "undefined")}");
            }
        }
    }
}
