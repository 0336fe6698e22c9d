using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GumbelGan.Tokenization;

namespace GumbelGan.Benchmarks.Tokenization;

/// <summary>
/// Encoding speed on one thread beside Hugging Face's native tokenizers with the same vocab.json and merges.txt, in one run:
/// <c>dotnet run -c Release --project Benchmarks -- bpe TEXT [PASSES]</c>, with NODE_PATH naming a folder where npm's "tokenizers" is installed.
/// Without node or the package only our own speed is printed.
/// </summary>
internal static class BytePairEncodingBenchmark
{
    private const int Merges = 8000;

    internal static int Run(string[] args, TextWriter output)
    {
        string path = args[0];
        int passes = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 9;
        string text = File.ReadAllText(path);
        string[] lines = text.Split('\n');
        double megabytes = new FileInfo(path).Length / 1e6;
        long start = Stopwatch.GetTimestamp();
        var tokenizer = TextTokenizer.Train(lines, new TokenizerOptions { Kind = TokenizerKind.Bpe, Merges = Merges });
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{path}: {megabytes:F2} MB, {lines.Length} lines; {((BytePairTokenizer)tokenizer).Merges.Count} merges learned "
                + $"in {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s"));
        DirectoryInfo folder = Directory.CreateTempSubdirectory("gumbelgan-benchmark-");
        try
        {
            tokenizer.Save(folder.FullName);
            Dictionary<string, (double[] Seconds, long Ids, string Sha256)>? theirs = MeasureHuggingFace(folder.FullName, path, passes);
            output.WriteLine($"{"",-8}{"",16}{"median MB/s",14}{"best MB/s",12}{"ids",12}");
            foreach ((string name, string[] inputs) in ((string, string[])[])[("lines", lines), ("whole", [text])])
            {
                (double[] Seconds, long Ids, string Sha256) ours = Measure(tokenizer, inputs, passes);
                Write(output, name, "ours", megabytes, ours);
                if (theirs is not null)
                {
                    Write(output, name, "Hugging Face", megabytes, theirs[name]);
                    (double[] Seconds, long Ids, string Sha256) other = theirs[name];
                    double medians = Median(other.Seconds) / Median(ours.Seconds), best = other.Seconds.Min() / ours.Seconds.Min();
                    string ids = ours.Sha256 == other.Sha256 ? "equal" : "DIFFERENT";
                    output.WriteLine(FormattableString.Invariant($"{name,-8}{"ratio",16}{medians,14:F2}{best,12:F2}{ids,12}"));
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        return 0;
    }

    private static (double[] Seconds, long Ids, string Sha256) Measure(TextTokenizer tokenizer, string[] inputs, int passes)
    {
        double[] seconds = new double[passes];
        long ids = 0;
        string sha256 = "";
        // The first pass warms the cache and is not counted, as for the peer.
        for (int pass = -1; pass < passes; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            int[][] encodings = [.. inputs.Select(tokenizer.Encode)];
            if (pass >= 0)
            {
                seconds[pass] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

            ids = encodings.Sum(encoding => (long)encoding.Length);
            sha256 = pass == passes - 1 ? Hash(encodings) : "";
        }

        return (seconds, ids, sha256);
    }

    private static Dictionary<string, (double[] Seconds, long Ids, string Sha256)>? MeasureHuggingFace(string folder, string path, int passes)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "Tokenization", "huggingface.js");
        var start = new ProcessStartInfo("node") { RedirectStandardOutput = true };
        foreach (string argument in (string[])[script, Path.Combine(folder, "vocab.json"), Path.Combine(folder, "merges.txt"), path,
            passes.ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            using Process node = Process.Start(start)!;
            string[] printed = node.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            node.WaitForExit();
            if (node.ExitCode != 0)
            {
                return null;
            }

            using var document = JsonDocument.Parse(printed[^1]);
            return document.RootElement.EnumerateObject().ToDictionary(
                mode => mode.Name,
                mode => (mode.Value.GetProperty("seconds").EnumerateArray().Select(value => value.GetDouble()).ToArray(),
                    mode.Value.GetProperty("ids").GetInt64(), mode.Value.GetProperty("sha256").GetString()!));
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No node on this machine: the peer is optional.
            return null;
        }
    }

    private static void Write(TextWriter output, string name, string who, double megabytes, (double[] Seconds, long Ids, string Sha256) measured) =>
        output.WriteLine(FormattableString.Invariant(
            $"{name,-8}{who,16}{megabytes / Median(measured.Seconds),14:F1}{megabytes / measured.Seconds.Min(),12:F1}{measured.Ids,12}"));

    private static string Hash(int[][] encodings)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (int[] encoding in encodings)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(string.Join(',', encoding) + "\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
