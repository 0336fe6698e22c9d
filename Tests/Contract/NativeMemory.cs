using System.Reflection;
using TorchSharp;
using Xunit;

namespace GumbelGan.Tests.Contract;

/// <summary>What is still alive once everything unreachable has been collected.</summary>
internal static class NativeMemory
{
    private static readonly MethodInfo? _count = typeof(torch).Assembly.GetType("TorchSharp.Native.NativeMethods")?
        .GetMethod("gg_live_tensors", BindingFlags.Static | BindingFlags.NonPublic);

    /// <summary>Collects what nobody can reach and waits for its finalizers.</summary>
    internal static void Settle()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>Native tensors that C# still owns; always 0 under the official package, which does not tell.</summary>
    internal static long Tensors() => _count is null ? 0 : (long)_count.Invoke(null, null)!;

    /// <summary>Runs the body often and holds that it leaves nothing behind.</summary>
    internal static void StaysFlat(int iterations, Action body)
    {
        body();
        Settle();
        long managed = torch.Tensor.TotalCount, native = Tensors();
        for (int i = 0; i < iterations; i++)
        {
            body();
        }

        Settle();
        Assert.Equal(managed, torch.Tensor.TotalCount);
        Assert.Equal(native, Tensors());
    }
}
