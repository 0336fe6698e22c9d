using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using GumbelGan.Benchmarks.Comparison;

namespace GumbelGan.Benchmarks.Scaling;

/// <summary>
/// Measures what a second rank brings on this machine, alternating between one process and two ranks since such machines drift, and goes on from
/// there with a model of networks; writes docs/scaling-measured.md.
/// </summary>
internal sealed class ScalingReport
{
    private const string Program = "bin/gumbelgan", Usage = "scaling [--rounds N] [--only TEXT] [--output FILE]: N rounds (3) of each case whose "
        + "name contains TEXT.";

    private const int MostNodes = 64;
    private readonly TextWriter _output;
    private readonly StringBuilder _document = new();
    private readonly RankPlacement[] _places;

    private ScalingReport(TextWriter output) =>
        (_output, _places) = (output, [.. RankPlacement.All.Where(place => place.IsPossible())]);

    /// <summary>Measures, from the repository's root.</summary>
    /// <returns>0, or 2 for a mistake in <paramref name="arguments"/>.</returns>
    public static int Run(string[] arguments, TextWriter output)
    {
        (int rounds, string only, string file) = (3, "", "");
        for (int i = 0; i < arguments.Length; i += 2)
        {
            switch (arguments[i..Math.Min(i + 2, arguments.Length)])
            {
                case ["--rounds", string text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out rounds) && rounds > 0:
                    break;
                case ["--only", string text]:
                    only = text;
                    break;
                case ["--output", string text]:
                    file = text;
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        var report = new ScalingReport(output);
        try
        {
            report.Say("# Scaling, measured");
            report.Say();
            report.Say(Invariant($"Written by `{("scripts/scaling.sh " + string.Join(' ', arguments)).Trim()}` on "
                + $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd}; {Environment.ProcessorCount} cores. Load average at the start: {LoadAverage()}."));
            report.Say("Where it is not well below the number of cores other programs disturbed the measurement, and two ranks that wait for each "
                + "other more than one process: then the minima come nearest to the truth.");
            report.Say();
            report.AddUp();
            report.Compare(rounds, only);
            report.Model(only);
            report.Say(Invariant($"At the end the load average was {LoadAverage()}."));
        }
        finally
        {
            RankPlacement.End();
        }

        if (file.Length > 0)
        {
            File.WriteAllText(file, report._document.ToString());
        }

        return 0;
    }

    private void AddUp()
    {
        Say("## Adding up over two ranks");
        Say();
        Say("`mpirun -n 2 gumbelgan bench allreduce`, milliseconds, the median of 30 and in brackets the fastest. Without a remark ranks "
            + "share memory; with TCP they are in two network namespaces, with an address and an interface (veth) each.");
        Say();
        Measurement[] all = [.. _places.Select(place => Ranks(place, ["bench", "allreduce", "--json", "--repeats", "30"]))];
        Row(["buffer", .. _places.Select(place => place.Name)]);
        Row(["---", .. _places.Select(_ => "---")]);
        foreach (string size in all.FirstOrDefault()?.Median.Keys ?? [])
        {
            Row([size, .. all.Select(one => Invariant($"{one.Median[size]:F2} ({one.Minimum[size]:F2})"))]);
        }

        Say();
    }

    private void Compare(int rounds, string only)
    {
        Say("## A second core as a thread and as a rank");
        Say();
        Say(Invariant($"Milliseconds an iteration, the median of {rounds} runs' medians and in brackets the fastest iteration; the cases "
            + $"are those of [benchmarks.md](benchmarks.md). One process with one and with two threads, then two ranks of a thread each: strong "
            + $"scaling shares a batch of 64 (`mpirun -n 2 gumbelgan bench iteration ... --batch 64`), weak scaling gives each rank one of 64. "
            + $"Ratios are of the throughput of two ranks to that of two threads (wanted: .9), of medians and of minima; for weak scaling of "
            + $"twice that of one thread."));
        Say();
        ScalingCase[] cases = [.. ScalingCase.Measured.Where(one => one.Name.Contains(only, StringComparison.OrdinalIgnoreCase))];
        var alone = cases.ToDictionary(one => one, _ => (One: new Series(), Two: new Series(), Half: new Series()));
        var shared = cases.ToDictionary(one => one, _ => _places.Select(_ => (Strong: new Series(), Weak: new Series())).ToArray());
        for (int round = 0; round < rounds; round++)
        {
            foreach (ScalingCase one in cases)
            {
                Console.Error.WriteLine($"round {round + 1} of {rounds}: {one.Name}");
                alone[one].One.Add(Measurement.Of(Program, [.. one.Arguments(one.Batch), "--threads", "1"]));
                alone[one].Half.Add(Measurement.Of(Program, [.. one.Arguments(one.Batch / 2), "--threads", "1"]));
                for (int place = 0; place < _places.Length; place++)
                {
                    // Beside each of the placements, so that both see the same machine.
                    alone[one].Two.Add(Measurement.Of(Program, one.Arguments(one.Batch)));
                    shared[one][place].Strong.Add(Ranks(_places[place], [.. one.Arguments(one.Batch), "--threads", "1"]));
                    if (!_places[place].IsNetworked)
                    {
                        shared[one][place].Weak.Add(Ranks(_places[place], [.. one.Arguments(2 * one.Batch), "--threads", "1"]));
                    }
                }
            }
        }

        Row(["case", "threads: 1", "2", "ranks", "batch of 64", "ratio of medians", "of minima", "64 each", "ratio of medians", "of minima",
            "model, batch of 64"]);
        Row([.. Enumerable.Repeat("---", 11)]);
        foreach (ScalingCase one in cases)
        {
            (Series single, Series two, Series half) = alone[one];
            for (int place = 0; place < _places.Length; place++)
            {
                (Series strong, Series weak) = shared[one][place];
                Row([one.Name, Times(single), Times(two), _places[place].Name, Times(strong), Invariant($"{two.Median() / strong.Median():F2}"),
                    Invariant($"{two.Minimum() / strong.Minimum():F2}"),
                    .. weak.IsEmpty ? ["", "", ""] : new[] { Times(weak), Invariant($"{single.Median() / weak.Median():F2}"),
                        Invariant($"{single.Minimum() / weak.Minimum():F2}") },
                    Invariant($"{half.Minimum() + Curve(one, _places[place]):F1}")]);
            }
        }

        Say();
        Say("The model: one thread with half of the batch, the fastest, and what adding up this case's gradients takes by the table above.");
        Say();
    }

    private readonly Dictionary<(RankPlacement, long), double> _curve = [];

    // Milliseconds to add up a case's gradients over two ranks.
    private double Curve(ScalingCase one, RankPlacement place) => one.Exchanges().Sum(exchange => exchange.Times * _curve
        .Where(point => point.Key.Item1 == place).OrderBy(point => Math.Abs(Math.Log((double)point.Key.Item2 / exchange.Bytes)))
        .Select(point => point.Key.Item2 < exchange.Bytes / 4 ? point.Value : point.Value * exchange.Bytes / point.Key.Item2).First());

    private void Model(string only)
    {
        Say("## More machines than there are here: a model");
        Say();
        Say(Invariant($"An iteration on N nodes takes what this machine, with its {Environment.ProcessorCount} cores, takes for a batch N "
            + $"times smaller, "
            + $"which is measured, and then for each update the time to add up its gradient, which is computed: 3 log2 N latencies and 2 (N - 1) / N "
            + $"times its bytes at the network's bandwidth (`Benchmarks/Scaling/NetworkModel.cs`). Nothing overlaps, as in the program. "
            + $"What is assumed "
            + $"of networks:"));
        Say();
        foreach (NetworkModel network in NetworkModel.Assumed)
        {
            Say(Invariant($"- {network.Name}: {network.Latency * 1e6:F0} microseconds, {network.Bandwidth / 1e9:G3} GB/s"));
        }

        Say();
        Say("Not in it: unequal nodes, a busy network, evaluation and checkpoints on rank 0. Faster nodes compute less long and wait as "
            + "long. Below: how many times faster than one node; the batch is the recipe's and stays. *Pays up to* is the most nodes of which "
            + "each still gives half of what it gives alone.");
        Say();
        int[] nodes = [.. Enumerable.Range(0, 7).Select(power => 1 << power).TakeWhile(count => count <= MostNodes)];
        Row(["workload", "gradients an iteration", "network", .. nodes.Select(count => $"{count}"), "pays up to"]);
        Row([.. Enumerable.Repeat("---", nodes.Length + 4)]);
        foreach (ScalingCase one in ScalingCase.Modelled.Where(one => one.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            IReadOnlyList<(long Bytes, int Times)> exchanges = one.Exchanges();
            double[] computing = [.. nodes.Select(count => Fastest(one, one.Batch / count))];
            string gradients = string.Join(" + ", exchanges.Select(exchange =>
                Invariant($"{(exchange.Times > 1 ? $"{exchange.Times} x " : "")}{exchange.Bytes / 1e6:F1} MB")));
            Row([$"{one.Name}, batch {one.Batch}: ms to compute", gradients, "", .. computing.Select(time => Invariant($"{time:F1}")), ""]);
            foreach (NetworkModel network in NetworkModel.Assumed)
            {
                double[] gains = [.. nodes.Select((count, i) =>
                    computing[0] / (computing[i] + (1e3 * exchanges.Sum(exchange => exchange.Times * network.Seconds(exchange.Bytes, count)))))];
                int most = nodes[Array.FindLastIndex(nodes, count => gains[Array.IndexOf(nodes, count)] >= count / 2.0)];
                Row(["", "", network.Name, .. gains.Select(gain => Invariant($"{gain:F1}")), $"{most}"]);
            }
        }

        Say();
    }

    private static double Fastest(ScalingCase one, int batch)
    {
        Console.Error.WriteLine($"model: {one.Name}, batch {batch}");
        return Measurement.Of(Program, one.Arguments(batch)).Minimum[Measurement.Whole];
    }

    private Measurement Ranks(RankPlacement place, string[] arguments)
    {
        string[] command = place.Command(Program, arguments);
        var measured = Measurement.Of(command[0], command[1..]);
        if (arguments[1] == "allreduce")
        {
            foreach ((string size, double time) in measured.Minimum)
            {
                _curve[(place, long.Parse(size.Split(' ')[0], CultureInfo.InvariantCulture))] = time;
            }
        }

        return measured;
    }

    private void Row(string[] cells) => Say($"| {string.Join(" | ", cells)} |");

    private void Say(string line = "")
    {
        _document.Append(line).Append('\n');
        _output.WriteLine(line);
    }

    private static string Times(Series series) => Invariant($"{series.Median():F1} ({series.Minimum():F1})");

    private static string LoadAverage() =>
        File.Exists("/proc/loadavg") ? string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]) : "unknown";

    // InvariantGlobalization: every culture is the invariant one.
    private static string Invariant(DefaultInterpolatedStringHandler text) => text.ToStringAndClear();
}
