using System.Diagnostics.CodeAnalysis;

namespace TorchSharp;

/// <summary>
/// Owns every tensor made on its thread while it is the innermost scope, and disposes them when it is disposed, except those that were
/// moved out or detached.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    private readonly DisposeScopeManager _manager;
    private readonly DisposeScope? _outer;
    private readonly HashSet<IDisposable> _disposables = new(ReferenceEqualityComparer.Instance);

    internal DisposeScope(DisposeScopeManager manager, DisposeScope? outer)
    {
        _manager = manager;
        _outer = outer;
    }

    public int DisposablesCount => _disposables.Count;

    public IReadOnlyList<IDisposable> DisposablesView => [.. _disposables];

    public bool Contains(IDisposable disposable) => _disposables.Contains(disposable);

    public void Attach(IDisposable disposable)
    {
        if (disposable is torch.Tensor tensor)
        {
            if (tensor.OwningDisposeScope == this)
            {
                return;
            }

            if (tensor.OwningDisposeScope is null)
            {
                _manager.StatisticsOfThread.TensorStatistics.AttachedToScopeCount++;
            }

            tensor.OwningDisposeScope?._disposables.Remove(tensor);
            tensor.OwningDisposeScope = this;
        }

        _disposables.Add(disposable);
    }

    public T Detach<T>(T disposable)
        where T : IDisposable
    {
        if (_disposables.Remove(disposable) && disposable is torch.Tensor tensor)
        {
            tensor.OwningDisposeScope = null;
            _manager.StatisticsOfThread.TensorStatistics.DetachedFromScopeCount++;
        }

        return disposable;
    }

    /// <summary>Hands <paramref name="disposable"/> to the next scope out, or to nobody where this is the outermost.</summary>
    public T MoveToOuter<T>(T disposable)
        where T : IDisposable => _outer is null ? Detach(disposable) : MoveToOther(_outer, disposable);

    public T MoveToOther<T>(DisposeScope scope, T disposable)
        where T : IDisposable
    {
        if (_disposables.Remove(disposable))
        {
            scope._disposables.Add(disposable);
            if (disposable is torch.Tensor tensor)
            {
                tensor.OwningDisposeScope = scope;
            }
        }

        return disposable;
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        _disposables.Remove(disposable);
        if (disposable is torch.Tensor tensor)
        {
            tensor.OwningDisposeScope = null;
            _manager.StatisticsOfThread.TensorStatistics.DisposedInScopeCount++;
        }
    }

    public void DisposeEverything()
    {
        // Disposing a tensor removes it from the set, hence the copy.
        foreach (IDisposable disposable in _disposables.ToArray())
        {
            disposable.Dispose();
        }

        _disposables.Clear();
    }

    public void Dispose()
    {
        DisposeEverything();
        _manager.Remove(this);
    }

    internal void Register(torch.Tensor tensor) => _disposables.Add(tensor);

    internal DisposeScope? Outer => _outer;
}

/// <summary>The stack of scopes of one thread, and what became of the tensors made on it.</summary>
[SuppressMessage("Performance", "CA1822", Justification = "Instance members as TorchSharp's.")]
public sealed class DisposeScopeManager
{
    [ThreadStatic]
    private static DisposeScopeManager? s_thread;

    private DisposeScope? _current;

    /// <summary>The counts of the calling thread.</summary>
    public static ThreadDisposeScopeStatistics Statistics => ThreadSingleton.StatisticsOfThread;

    internal static DisposeScopeManager ThreadSingleton => s_thread ??= new DisposeScopeManager();

    internal ThreadDisposeScopeStatistics StatisticsOfThread { get; } = new();

    internal DisposeScope? Current => _current;

    internal DisposeScope NewScope() => _current = new DisposeScope(this, _current);

    internal void Remove(DisposeScope scope)
    {
        // Scopes are meant to nest; one disposed out of order takes those opened inside it along.
        for (DisposeScope? open = _current; open is not null; open = open.Outer)
        {
            if (open == scope)
            {
                _current = scope.Outer;
                return;
            }
        }
    }

    internal DisposeScope? Register(torch.Tensor tensor)
    {
        if (_current is null)
        {
            StatisticsOfThread.TensorStatistics.CreatedOutsideScopeCount++;
            return null;
        }

        StatisticsOfThread.TensorStatistics.CreatedInScopeCount++;
        _current.Register(tensor);
        return _current;
    }
}

/// <summary>What became of the tensors of one thread, under TorchSharp's names.</summary>
public sealed class LifetimeStatistics
{
    public long AttachedToScopeCount { get; set; }

    public long CreatedInScopeCount { get; set; }

    public long CreatedOutsideScopeCount { get; set; }

    public long DetachedFromScopeCount { get; set; }

    public long DisposedInScopeCount { get; set; }

    public long DisposedOutsideScopeCount { get; set; }

    public long ThreadTotalLiveCount => CreatedInScopeCount + CreatedOutsideScopeCount - DisposedInScopeCount - DisposedOutsideScopeCount;

    public void Reset()
    {
        AttachedToScopeCount = CreatedInScopeCount = CreatedOutsideScopeCount = 0;
        DetachedFromScopeCount = DisposedInScopeCount = DisposedOutsideScopeCount = 0;
    }
}

/// <summary>The counts of one thread; tensors are the only disposables that the subset has.</summary>
public sealed class ThreadDisposeScopeStatistics
{
    public LifetimeStatistics TensorStatistics { get; } = new();

    public long CreatedInScopeCount => TensorStatistics.CreatedInScopeCount;

    public long CreatedOutsideScopeCount => TensorStatistics.CreatedOutsideScopeCount;

    public long DisposedInScopeCount => TensorStatistics.DisposedInScopeCount;

    public long DisposedOutsideScopeCount => TensorStatistics.DisposedOutsideScopeCount;

    public long AttachedToScopeCount => TensorStatistics.AttachedToScopeCount;

    public long DetachedFromScopeCount => TensorStatistics.DetachedFromScopeCount;

    public long ThreadTotalLiveCount => TensorStatistics.ThreadTotalLiveCount;

    public void Reset() => TensorStatistics.Reset();
}
