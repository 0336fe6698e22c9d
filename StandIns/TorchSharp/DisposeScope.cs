using TorchSharp.Native;

namespace TorchSharp;

/// <summary>
/// Owns every tensor made on its thread while it is the innermost scope, and disposes them when it is disposed, except those that were
/// moved out or detached. A scope belongs to the thread that opened it.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    private readonly List<torch.Tensor> _tensors = [];
    private DisposeScopeManager? _manager;

    internal DisposeScope(DisposeScopeManager manager, DisposeScope? outer)
    {
        _manager = manager;
        Outer = outer;
    }

    // Reached only by a scope that nobody disposed and nobody can reach, and then neither can anybody reach its tensors.
    ~DisposeScope() => ReleaseAll();

    internal DisposeScope? Outer { get; set; }

    private DisposeScopeManager Manager => _manager ?? throw new ObjectDisposedException(GetType().FullName);

    private LifetimeStatistics Statistics => Manager.StatisticsOfThread.TensorStatistics;

    public int DisposablesCount
    {
        get
        {
            ObjectDisposedException.ThrowIf(_manager is null, this);
            return _tensors.Count;
        }
    }

    /// <summary>What the scope holds now; a copy.</summary>
    public IReadOnlyList<IDisposable> DisposablesView
    {
        get
        {
            ObjectDisposedException.ThrowIf(_manager is null, this);
            return [.. _tensors];
        }
    }

    public bool Contains(IDisposable disposable) => disposable is torch.Tensor tensor && tensor.OwningDisposeScope == this;

    /// <summary>Takes a tensor from wherever it is into this scope.</summary>
    /// <exception cref="InvalidOperationException">Something else than a tensor.</exception>
    public void Attach(IDisposable disposable)
    {
        LifetimeStatistics statistics = Statistics;
        if (Add(disposable))
        {
            statistics.AttachedToScopeCount++;
        }
    }

    /// <summary>Leaves the tensor to its user; without effect on what this scope does not hold.</summary>
    public T Detach<T>(T disposable)
        where T : IDisposable
    {
        LifetimeStatistics statistics = Statistics;
        if (disposable is torch.Tensor tensor && tensor.OwningDisposeScope == this)
        {
            Remove(tensor);
            tensor.HoldItself();
            statistics.DetachedFromScopeCount++;
        }

        return disposable;
    }

    /// <summary>Hands <paramref name="disposable"/> to the next scope out, or to nobody where this is the outermost.</summary>
    public T MoveToOuter<T>(T disposable)
        where T : IDisposable => Outer is null ? Detach(disposable) : MoveToOther(Outer, disposable);

    /// <summary>Hands <paramref name="disposable"/> to another scope; without effect on what this scope does not hold.</summary>
    public T MoveToOther<T>(DisposeScope scope, T disposable)
        where T : IDisposable
    {
        ObjectDisposedException.ThrowIf(_manager is null, this);
        if (disposable is torch.Tensor tensor && tensor.OwningDisposeScope == this)
        {
            scope.Add(tensor);
        }

        return disposable;
    }

    /// <summary>Forgets a tensor that was disposed elsewhere.</summary>
    public void MarkAsDisposed(IDisposable disposable)
    {
        ObjectDisposedException.ThrowIf(_manager is null, this);
        if (disposable is torch.Tensor tensor && tensor.OwningDisposeScope == this)
        {
            Remove(tensor);
            tensor.HoldItself();
        }
    }

    public void DisposeEverything() => Statistics.DisposedInScopeCount += ReleaseAll();

    /// <summary>Disposes everything held; a second call does nothing.</summary>
    public void Dispose()
    {
        if (_manager is null)
        {
            return;
        }

        DisposeEverything();
        _manager.Close(this);
        _manager = null;
        GC.SuppressFinalize(this);
    }

    internal void Register(torch.Tensor tensor)
    {
        tensor.PlaceInScope = _tensors.Count;
        _tensors.Add(tensor);
        tensor.OwningDisposeScope = this;
    }

    /// <summary>Leaves the tensor without an owner. The last of the list takes its place: the order of disposal is not promised.</summary>
    internal void Remove(torch.Tensor tensor)
    {
        torch.Tensor last = _tensors[^1];
        _tensors[tensor.PlaceInScope] = last;
        last.PlaceInScope = tensor.PlaceInScope;
        _tensors.RemoveAt(_tensors.Count - 1);
        tensor.OwningDisposeScope = null;
    }

    internal void Replace(torch.Tensor old, torch.Tensor replacement)
    {
        _tensors[old.PlaceInScope] = replacement;
        replacement.PlaceInScope = old.PlaceInScope;
        replacement.OwningDisposeScope = this;
        old.OwningDisposeScope = null;
    }

    private bool Add(IDisposable disposable)
    {
        if (disposable is not torch.Tensor tensor)
        {
            throw new InvalidOperationException("DisposeScope can only manage Tensor or PackedSequence");
        }

        if (tensor.OwningDisposeScope == this)
        {
            return false;
        }

        tensor.OwningDisposeScope?.Remove(tensor);
        Register(tensor);
        return true;
    }

    private int ReleaseAll()
    {
        const int atOnce = 256;
        Span<nint> handles = stackalloc nint[Math.Min(atOnce, _tensors.Count)];
        int pending = 0, released = 0;
        foreach (torch.Tensor tensor in _tensors)
        {
            nint handle = tensor.GiveUpHandle();
            tensor.OwningDisposeScope = null;
            if (handle == 0)
            {
                continue;
            }

            handles[pending++] = handle;
            if (pending == handles.Length)
            {
                released += Release(handles);
                pending = 0;
            }
        }

        _tensors.Clear();
        return released + Release(handles[..pending]);
    }

    private static int Release(ReadOnlySpan<nint> handles)
    {
        if (handles.Length > 0)
        {
            NativeMethods.Release(handles);
            torch.Tensor.Count(-handles.Length);
        }

        return handles.Length;
    }
}

/// <summary>The chain of open scopes of one thread, and what became of the tensors made on it.</summary>
public sealed class DisposeScopeManager
{
    [ThreadStatic]
    private static DisposeScopeManager? s_thread;

    /// <summary>The counts of the calling thread.</summary>
    public static ThreadDisposeScopeStatistics Statistics => ThreadSingleton.StatisticsOfThread;

    internal static DisposeScopeManager ThreadSingleton => s_thread ??= new DisposeScopeManager();

    internal ThreadDisposeScopeStatistics StatisticsOfThread { get; } = new();

    internal DisposeScope? Current { get; private set; }

    internal DisposeScope Open() => Current = new DisposeScope(this, Current);

    /// <summary>Takes a scope out of the chain; those opened inside it stay open.</summary>
    internal void Close(DisposeScope scope)
    {
        if (Current == scope)
        {
            Current = scope.Outer;
            return;
        }

        for (DisposeScope? inner = Current; inner is not null; inner = inner.Outer)
        {
            if (inner.Outer == scope)
            {
                inner.Outer = scope.Outer;
                return;
            }
        }
    }

    internal void Register(torch.Tensor tensor)
    {
        if (Current is { } scope)
        {
            StatisticsOfThread.TensorStatistics.CreatedInScopeCount++;
            scope.Register(tensor);
        }
        else
        {
            StatisticsOfThread.TensorStatistics.CreatedOutsideScopeCount++;
        }
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
