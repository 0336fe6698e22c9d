using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace GumbelGan.Engine;

/// <summary>
/// What went wrong in a backward pass of ours, kept until libtorch has returned: an exception must not cross its native frames, it would end the
/// process.
/// </summary>
/// <remarks>libtorch runs a backward pass on the CPU on the thread that asked for it, so the failure is kept a thread.</remarks>
public static class BackwardFailure
{
    [ThreadStatic]
    private static ExceptionDispatchInfo? _pending;

    /// <summary>The result of <paramref name="body"/>, or, where it throws, <paramref name="otherwise"/>.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever it is, Throw throws it again once it is safe.")]
    public static T Catch<T>(Func<T> body, T otherwise)
    {
        try
        {
            return body();
        }
        catch (Exception failure)
        {
            _pending ??= ExceptionDispatchInfo.Capture(failure);
            return otherwise;
        }
    }

    /// <summary>Throws the first exception that was caught on this thread since the last call; to be called after each backward pass.</summary>
    public static void Throw()
    {
        ExceptionDispatchInfo? failure = _pending;
        _pending = null;
        failure?.Throw();
    }
}
