namespace GumbelGan.Training.Sweeps;

/// <summary>Watches a sweep on one machine.</summary>
public interface ISweepObserver
{
    /// <summary>A run was started, or has ended one way or another.</summary>
    void OnChange(SweepItem item, IReadOnlyList<SweepItem> all);

    /// <summary>Some time has passed.</summary>
    void OnTime(IReadOnlyList<SweepItem> all);
}
