using System.Globalization;
using GumbelGan.Storage;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Sweeps;
using Spectre.Console;

namespace GumbelGan.Cli.Progress;

/// <summary>Shows a sweep on standard error while it goes: a block that is redrawn on a terminal, a line for each change elsewhere.</summary>
internal sealed class SweepProgress : ISweepObserver
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private readonly Surroundings _surroundings;
    private readonly LiveDisplayContext? _live;
    private readonly long _began;
    private long? _drawn;

    private SweepProgress(Surroundings surroundings, LiveDisplayContext? live) =>
        (_surroundings, _live, _began) = (surroundings, live, surroundings.Clock.GetTimestamp());

    /// <summary>Calls <paramref name="work"/> with the observer that suits the console, and returns what it returns.</summary>
    public static T Watch<T>(Surroundings surroundings, Func<ISweepObserver, T> work) => TrainingProgress.IsLive(surroundings.Progress)
        ? surroundings.Progress.Live(new Text("")).AutoClear(true).Start(context => work(new SweepProgress(surroundings, context)))
        : work(new SweepProgress(surroundings, null));

    /// <inheritdoc/>
    public void OnChange(SweepItem item, IReadOnlyList<SweepItem> all)
    {
        _drawn = null;
        if (_live is null)
        {
            string what = item.State switch
            {
                SweepItemState.Running => "started",
                SweepItemState.Done => $"done after {ProgressText.Duration(item.Time)}",
                SweepItemState.Elsewhere => "another process is at it",
                SweepItemState.Waiting => "left by another process",
                SweepItemState.Stopped => "interrupted",
                _ => $"failed: {item.Reason}",
            };
            _surroundings.Error.WriteLine(HarmlessText.Of($"{item.Run.Name}: {what} ({all.Count(IsOver)} of {all.Count})"));
        }
    }

    /// <inheritdoc/>
    public void OnTime(IReadOnlyList<SweepItem> all)
    {
        if (_live is null || (_drawn is { } drawn && _surroundings.Clock.GetElapsedTime(drawn) < _interval))
        {
            return;
        }

        _drawn = _surroundings.Clock.GetTimestamp();
        int width = _surroundings.Progress.Profile.Width - 1;
        bool isUnicode = _surroundings.Progress.Profile.Capabilities.Unicode;
        _live.UpdateTarget(new Rows(Lines(all).Take(Math.Max(4, _surroundings.Progress.Profile.Height - 2))
            .Select(line => new Text(ProgressText.Cut(HarmlessText.Of(line), width, isUnicode)))));
        _live.Refresh();
    }

    /// <summary>The block, line by line.</summary>
    internal IEnumerable<string> Lines(IReadOnlyList<SweepItem> all)
    {
        int over = all.Count(IsOver), failed = all.Count(item => item.State == SweepItemState.Failed);
        yield return $"{over} of {all.Count} runs over{(failed > 0 ? $", {failed} failed" : "")}";
        TimeSpan elapsed = _surroundings.Clock.GetElapsedTime(_began);
        int here = all.Count(item => IsOver(item) && !item.WasThere);
        string left = here > 0 && over < all.Count ? $", {ProgressText.Duration(elapsed / here * (all.Count - over))} left" : "";
        yield return $"{ProgressText.Duration(elapsed)} gone{left}";
        foreach (SweepItem item in all.Where(item => item.State is SweepItemState.Running or SweepItemState.Elsewhere))
        {
            yield return $"{item.Run.Name}";
            yield return $"  {Where(item)}";
        }
    }

    private static bool IsOver(SweepItem item) => item.State is SweepItemState.Done or SweepItemState.Failed;

    private static string Where(SweepItem item)
    {
        RunSummary? summary = Directory.Exists(item.Run.Folder) ? RunSummary.Read(item.Run.Folder) : null;
        string nll = summary?.LastValidationNll is { } nats ? string.Create(CultureInfo.InvariantCulture, $", NLL {nats:F3}") : "";
        string where = summary?.Step is { } step ? string.Create(CultureInfo.InvariantCulture, $"{summary.Phase} {step}{nll}") : "starting";
        return item.State == SweepItemState.Elsewhere ? $"elsewhere: {where}" : $"{where}, {ProgressText.Duration(item.Time)}";
    }
}
