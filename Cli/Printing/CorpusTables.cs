using System.Globalization;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Printing;

/// <summary>What <c>gumbelgan corpus info</c> tells of a corpus: its lines, its splits, and how long lines are.</summary>
internal static class CorpusTables
{
    private const int LongestBar = 50, BesideBars = 28, MostRows = 20;

    public static void Write(CorpusReport report, KnownCorpus? known, TableWriter writer)
    {
        writer.WritePairs(
        [
            ("file", report.Path),
            ("bytes", Whole(report.Bytes)),
            ("SHA-256", report.Sha256),
            .. known is null ? [] : new[] { ("verified", $"this is {known.Description}") },
            ("lines", Whole(report.Lines)),
            ("  dropped: empty", Whole(report.EmptyLines)),
            ("  dropped: too short", Whole(report.TooShortLines)),
            ("  dropped: too long", Whole(report.TooLongLines)),
            ("  kept", Whole(report.Lines - report.EmptyLines - report.TooShortLines - report.TooLongLines)),
            ("  repeats among the kept", Whole(report.DuplicateLines)),
            ("  held out, but the same", $"{Whole(report.SharedAcrossSplits)} (tokens equal those of a training line)"),
            .. report.HeldOutFiles.SelectMany(HeldOut),
            .. report.HeldOutFiles.Count == 0 ? [] : Overlap(report.Overlap),
            ("vocabulary", $"{Whole(report.Vocabulary)} tokens, vocab.json has SHA-256 {report.VocabularySha256}"),
        ]);
        writer.WriteLine();
        writer.Write(
            [["split", "lines", "tokens", "unknown", "unknown %"], Split("train", report.Train), Split("validation", report.Validation),
                Split("test", report.Test)],
            numbersFrom: 1);
        writer.WriteLine();
        WriteLengths(report.LengthHistogram, writer);
    }

    private static (string, string)[] HeldOut(HeldOutFile held) =>
    [
        ($"{held.Split.ToString().ToLowerInvariant()} file", held.Path),
        ("  SHA-256", held.Sha256),
        ("  lines", $"{Whole(held.Lines)} (dropped: {Whole(held.EmptyLines)} empty, {Whole(held.TooShortLines)} too short, "
            + $"{Whole(held.TooLongLines)} too long)"),
    ];

    private static (string, string)[] Overlap(SplitOverlap overlap) =>
    [
        ("validation lines in train", $"{Whole(overlap.ValidationInTrain)} (counted, not removed)"),
        ("test lines in train", $"{Whole(overlap.TestInTrain)} (counted, not removed)"),
        ("test lines in validation", $"{Whole(overlap.TestInValidation)} (counted, not removed)"),
    ];

    private static string[] Split(string name, SplitReport split)
    {
        double percent = split.Tokens == 0 ? 0 : 100.0 * split.UnknownTokens / split.Tokens;
        return [name, Whole(split.Lines), Whole(split.Tokens), Whole(split.UnknownTokens), percent.ToString("F2", CultureInfo.InvariantCulture)];
    }

    private static void WriteLengths(IReadOnlyList<long> histogram, TableWriter writer)
    {
        int width = (histogram.Count + MostRows - 1) / MostRows;
        (int From, long Lines)[] bins = [.. histogram.Chunk(width).Select((chunk, index) => (index * width, chunk.Sum()))];
        long most = Math.Max(1, bins.Max(bin => bin.Lines));
        int bars = Math.Min(LongestBar, Math.Max(1, (writer.Width ?? int.MaxValue) - BesideBars));
        writer.Write(
        [
            ["tokens a line", "lines", ""],
            .. bins.Where(bin => bin.Lines > 0).Select(bin => (string[])
            [
                width == 1 ? Whole(bin.From) : $"{Whole(bin.From)}-{Whole(bin.From + width - 1)}",
                Whole(bin.Lines),
                new string('#', (int)((bin.Lines * bars + most - 1) / most)),
            ]),
        ]);
    }

    private static string Whole(long number) => number.ToString(CultureInfo.InvariantCulture);
}
