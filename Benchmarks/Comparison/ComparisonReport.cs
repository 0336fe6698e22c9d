using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace GumbelGan.Benchmarks.Comparison;

/// <summary>
/// Sets <c>gumbelgan bench</c> beside the eager PyTorch peer, alternating in one run since such machines drift, and writes docs/benchmarks.md.
/// </summary>
internal sealed class ComparisonReport
{
    private const string Python = "/usr/bin/python3", Program = "bin/gumbelgan", Peer = "Benchmarks/peers/eager.py";
    private const string Usage = "compare [--rounds N] [--only TEXT] [--except TEXT] [--narrow] [--scaling] [--startup] [--output FILE]: N rounds "
        + "of each case (2), of the cases whose name contains the one TEXT and not the other; with the same as without AVX-512, and the scaling "
        + "and start-up tables.";

    // How the peer's OpenMP threads wait for work; it gets whichever suits it better in each case. On a busy machine spinning threads wait for
    // each other so long that a case takes minutes, and sleeping is tens of times faster.
    private static readonly (string Label, string? Policy)[] _waits = IsBusy()
        ? [("sleeping", "PASSIVE")] : [("sleeping", "PASSIVE"), ("spinning", null)];

    // Our own vectors, what both libtorches choose by, and the word to the peer, which sets the same for itself.
    private static readonly (string Name, string? Value)[] _narrow = [("DOTNET_EnableAVX512", "0"), ("OPENBLAS_CORETYPE", "Haswell"),
        ("ATEN_CPU_CAPABILITY", "avx2"), ("ONEDNN_MAX_CPU_ISA", "AVX2"), ("GUMBELGAN_NARROW", "1")];

    private const int Looks = 20;
    private const string DefaultSpins = "300000";

    private readonly TextWriter _output;
    private readonly StringBuilder _document = new();

    private ComparisonReport(TextWriter output) => _output = output;

    /// <summary>Runs the comparison from the repository's root.</summary>
    /// <returns>0, or 2 for a mistake in <paramref name="arguments"/>.</returns>
    public static int Run(string[] arguments, TextWriter output)
    {
        int rounds = 2;
        string only = "", except = "", file = "";
        bool isNarrow = false, isScaling = false, isStartup = false;
        for (int i = 0; i < arguments.Length; i++)
        {
            string next = i + 1 < arguments.Length ? arguments[i + 1] : "";
            switch (arguments[i])
            {
                case "--rounds" when int.TryParse(next, NumberStyles.None, CultureInfo.InvariantCulture, out rounds) && rounds > 0:
                    i++;
                    break;
                case "--only" when next.Length > 0:
                    (only, i) = (next, i + 1);
                    break;
                case "--except" when next.Length > 0:
                    (except, i) = (next, i + 1);
                    break;
                case "--output" when next.Length > 0:
                    (file, i) = (next, i + 1);
                    break;
                case "--narrow":
                    isNarrow = true;
                    break;
                case "--scaling":
                    isScaling = true;
                    break;
                case "--startup":
                    isStartup = true;
                    break;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }

        if (!File.Exists(Program))
        {
            Console.Error.WriteLine($"There is no {Program} here; run 'make build' in the repository's root.");
            return 2;
        }

        var report = new ComparisonReport(output);
        report.Describe(arguments);
        report.Compare(rounds, only, except);
        if (isNarrow)
        {
            report.Say("## Without AVX-512");
            report.Say();
            report.Say("Both sides told to do without it (`DOTNET_EnableAVX512=0`; `ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2`; Haswell "
                + "kernels of the peer's OpenBLAS), as on most desktop processors; one round.");
            report.Say();
            report.Compare(1, only, except, _narrow);
        }

        if (isScaling)
        {
            report.Scale();
        }

        if (isStartup)
        {
            report.Say(StartupTime.Measure(Program));
        }

        report.Say($"At the end the machine's load average was {LoadAverage()}.");
        if (file.Length > 0)
        {
            File.WriteAllText(file, report._document.ToString());
            output.WriteLine($"\nWritten to {file}.");
        }

        return 0;
    }

    private void Say(string line = "")
    {
        _document.Append(line).Append('\n');
        _output.WriteLine(line);
    }

    private void Describe(string[] arguments)
    {
        JsonElement engine = JsonDocument.Parse(Measurement.Output(Program, ["doctor", "--json"])).RootElement.GetProperty("engine");
        string processor = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor"
            : "unknown processor";
        Say("# Benchmarks");
        Say();
        Say(Invariant($"Written by `{("scripts/bench.sh " + string.Join(' ', arguments)).Trim()}` on {TimeProvider.System.GetUtcNow():yyyy-MM-dd} "
            + $"at commit {Commit()}. {processor}, {Environment.ProcessorCount} "
            + $"cores, {RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.FrameworkDescription};"));
        Say(Invariant($"TorchSharp {engine.GetProperty("torch_sharp").GetString()} on libtorch {engine.GetProperty("libtorch").GetString()}; the "
            + $"peer on Debian's PyTorch 1.13 with OpenBLAS; {engine.GetProperty("threads").GetInt32()} threads on both sides. Load average at the "
            + $"start: {LoadAverage()}."));
        Say("A load average that is not well below the number of cores means that other programs disturbed the measurement: then only the minima "
            + "can be trusted, and they with care.");
        Say();
        Say("The peer is [eager.py](../Benchmarks/peers/eager.py): the same models and steps in plain eager PyTorch, with AVX-512 kernels, an "
            + "allocator told to keep its memory, denormals flushed,");
        string waiting = _waits.Length > 1
            ? "in each case the better of OpenMP's two ways of waiting"
            : "OpenMP threads that sleep while they wait, the better way on a busy machine";
        Say($"and {waiting}. Both programs run in turn, each in a process of its own, several rounds over. Times are milliseconds: the median of "
            + "the runs' medians, and in brackets the fastest repeat.");
        Say();
        foreach ((string name, string sizes) in ComparisonCase.Sizes)
        {
            Say($"- {name}: `{sizes} --batch 64`");
        }

        Say("- plain TorchSharp is what a .NET user would write instead: the same models in tensor operations with TorchSharp's own Adam and no "
            + "fused pass (`gumbelgan bench --composed`), in the better of the same ways of waiting");
        Say("- sampling draws 256 sequences at a time on both sides");
        Say("- peak memory is the most that was resident, the files of libtorch included, and on the peer's side of what Debian links it to "
            + "(OpenCV, Qt, GDAL: 130 MB); private, the fairer comparison, is the most that was backed by no file, looked at 20 times a second");
        Say();
    }

    private void Compare(int rounds, string only, string except, params (string Name, string? Value)[] environment)
    {
        ComparisonCase[] cases = [.. ComparisonCase.All
            .Where(one => one.Name.Contains(only, StringComparison.OrdinalIgnoreCase)
                && (except.Length == 0 || !one.Name.Contains(except, StringComparison.OrdinalIgnoreCase)))];
        bool hasPeer = HasPeer();
        if (!hasPeer)
        {
            Say("The peer was left out: Debian's python3-torch is not installed.");
            Say();
        }

        var results = cases.ToDictionary(one => one,
            _ => (Ours: new Series(), Plain: _waits.Select(_ => new Series()).ToArray(), Peers: _waits.Select(_ => new Series()).ToArray()));
        for (int round = 0; round < rounds; round++)
        {
            foreach (ComparisonCase one in cases)
            {
                Console.Error.WriteLine($"round {round + 1} of {rounds}: {one.Name}");
                results[one].Ours.Add(Measurement.Of(Program, ["bench", .. one.Arguments], environment));
                for (int wait = 0; one.HasComposed && wait < _waits.Length; wait++)
                {
                    // OpenMP's own default is to spin; the program changes that unless the environment says how to wait.
                    (string, string?) waiting = _waits[wait].Policy is { } policy ? ("OMP_WAIT_POLICY", policy) : ("GOMP_SPINCOUNT", DefaultSpins);
                    results[one].Plain[wait].Add(Measurement.Of(Program, ["bench", .. one.Arguments, "--composed"], [waiting, .. environment]));
                }

                for (int wait = 0; hasPeer && wait < _waits.Length; wait++)
                {
                    results[one].Peers[wait]
                        .Add(Measurement.Of(Python, [Peer, .. one.Arguments], [("OMP_WAIT_POLICY", _waits[wait].Policy), .. environment]));
                }
            }
        }

        Say("| case | ours | plain TorchSharp | ratio | peer | ratio of medians | ratio of minima | wanted | peak memory, ours | peer | private, "
            + "ours | peer |");
        Say("|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach ((ComparisonCase one, (Series ours, Series[] plain, Series[] peers)) in results)
        {
            string beside = one.HasComposed
                ? Invariant($"{plain.Min(way => way.Median()):F2} ({plain.Min(way => way.Minimum()):F2}) "
                    + $"| {plain.Min(way => way.Median()) / ours.Median():F2}") : "|";
            string wanted = one.Wanted is { } ratio ? Invariant($"{ratio:F1}") : "";
            if (!hasPeer)
            {
                Say(Invariant($"| {one.Name} | {Times(ours)} | {beside} | | | | {wanted} | {ours.PeakBytes / 1e6:F0} MB | "
                    + $"| {ours.PrivateBytes / 1e6:F0} MB | |"));
                continue;
            }

            double median = peers.Min(peer => peer.Median()), minimum = peers.Min(peer => peer.Minimum());
            string wait = _waits[Array.FindIndex(peers, peer => peer.Median() == median)].Label;
            Say(Invariant($"| {one.Name} | {Times(ours)} | {beside} | {median:F2} ({minimum:F2}), {wait} | {median / ours.Median():F2} "
                + $"| {minimum / ours.Minimum():F2} | {wanted} | {ours.PeakBytes / 1e6:F0} MB | {peers.Min(peer => peer.PeakBytes) / 1e6:F0} MB "
                + $"| {ours.PrivateBytes / 1e6:F0} MB | {peers.Min(peer => peer.PrivateBytes) / 1e6:F0} MB |"));
        }

        Say();
        if (environment.Length > 0 || results.Values.All(result => result.Ours.Phases.Count() == 1))
        {
            return;
        }

        Say("Where the time goes, in milliseconds, ours and the peer's (fastest repeat of each phase):");
        Say();
        Say("| case | phase | ours | peer |");
        Say("|---|---|---|---|");
        foreach ((ComparisonCase one, (Series ours, Series[] _, Series[] peers)) in results)
        {
            foreach (string phase in ours.Phases.Where(phase => phase != Measurement.Whole))
            {
                Say(Invariant($"| {one.Name} | {phase.Replace('_', ' ')} | {ours.Minimum(phase):F2} "
                    + $"| {(hasPeer ? Invariant($"{peers.Min(peer => peer.Minimum(phase)):F2}") : "")} |"));
            }
        }

        Say();
    }

    /// <summary>Case A with one size varied 16 times over, and a large vocabulary.</summary>
    private void Scale()
    {
        Say("## Growth");
        Say();
        Say("Case A with one size varied; milliseconds for an adversarial iteration, the fastest repeat. Linear growth from the smallest would end "
            + "at 16 times; in the length it ends a little above, since the last step feeds nothing back and so costs less than the others: T "
            + "steps cost a T - b.");
        Say();
        Say("| varied | | | | | | growth | last doubling |");
        Say("|---|---|---|---|---|---|---|---|");
        foreach ((string option, int[] values) in new[] { ("batch", new[] { 16, 32, 64, 128, 256 }), ("length", [5, 10, 20, 40, 80]),
            ("vocab", [1250, 2500, 5000, 10000, 20000]) })
        {
            double[] times =
                [.. values.Select(value => Iteration($"--{option}", value.ToString(CultureInfo.InvariantCulture)).Minimum[Measurement.Whole])];
            string cells = string.Concat(values.Zip(times, (value, time) => Invariant($"{value}: {time:F1} | ")));
            Say(Invariant($"| {option} | {cells}{times[^1] / times[0]:F1} times | {times[^1] / times[^2]:F2} times |"));
        }

        Measurement large = Iteration("--vocab", "50000");
        Say();
        Say(Invariant($"A vocabulary of 50,000 (case A otherwise): {large.Median[Measurement.Whole]:F0} ms ({large.Minimum[Measurement.Whole]:F0}) "
            + $"an iteration, peak memory {large.PeakBytes / 1e6:F0} MB."));
        Say();
    }

    private static Measurement Iteration(params string[] arguments)
    {
        Console.Error.WriteLine($"growth: {string.Join(' ', arguments)}");
        return Measurement.Of(Program, ["bench", "iteration", "--json", "--repeats", "10", .. arguments]);
    }

    private static string Times(Series series) => Invariant($"{series.Median():F2} ({series.Minimum():F2})");

    private static bool HasPeer()
    {
        try
        {
            Measurement.Output(Python, ["-c", "import torch"]);
            return true;
        }
        catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static string Commit()
    {
        try
        {
            return Measurement.Output("git", ["describe", "--always", "--dirty"]).Trim();
        }
        catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }

    // The load average remembers the build just before, so the threads that are running now are counted for a second; one of them is this.
    private static bool IsBusy()
    {
        if (!File.Exists("/proc/loadavg"))
        {
            return false;
        }

        int running = 0;
        for (int look = 0; look < Looks; look++)
        {
            running += int.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[3].Split('/')[0], CultureInfo.InvariantCulture) - 1;
            Thread.Sleep(TimeSpan.FromSeconds(1) / Looks);
        }

        return running > Looks / 2;
    }

    private static string LoadAverage() =>
        File.Exists("/proc/loadavg") ? string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]) : "unknown";

    // InvariantGlobalization: every culture is the invariant one.
    private static string Invariant(DefaultInterpolatedStringHandler text) => text.ToStringAndClear();
}
