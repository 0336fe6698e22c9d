using GumbelGan.Kernels;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed class RowParallelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_row_is_run_exactly_once_in_each_of_many_loops(int threads)
    {
        using var parallel = new RowParallel(threads);
        foreach (int rows in new[] { 0, 1, 2, 3, 7, 64, 1000 })
        {
            int[] runs = new int[rows];
            for (int loop = 0; loop < 300; loop++)
            {
                parallel.For(rows, 1, (first, end) =>
                {
                    for (int row = first; row < end; row++)
                    {
                        Interlocked.Increment(ref runs[row]);
                    }
                });
                // Complete when For returns: no straggler may still be writing.
                Assert.All(runs, count => Assert.Equal(loop + 1, count));
            }
        }
    }

    [Fact]
    public void Loops_inside_loops_and_from_several_threads_are_complete()
    {
        using var parallel = new RowParallel(3);
        int total = 0;
        Thread[] callers = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (int loop = 0; loop < 50; loop++)
            {
                parallel.For(8, 1, (first, end) =>
                {
                    for (int row = first; row < end; row++)
                    {
                        parallel.For(5, 1, (innerFirst, innerEnd) => Interlocked.Add(ref total, innerEnd - innerFirst));
                    }
                });
            }
        }))];
        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => caller.Join());
        Assert.Equal(3 * 50 * 8 * 5, total);
    }

    [Fact]
    public void An_exception_in_the_body_reaches_the_caller_and_the_workers_live_on()
    {
        using var parallel = new RowParallel(2);
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => parallel.For(100, 1, (first, end) =>
        {
            if (first <= 60 && 60 < end)
            {
                throw new InvalidOperationException("row 60");
            }
        }));
        Assert.Equal("row 60", thrown.Message);
        int rows = 0;
        parallel.For(100, 1, (first, end) => Interlocked.Add(ref rows, end - first));
        Assert.Equal(100, rows);
    }

    [Fact]
    public void A_loop_after_the_workers_have_gone_to_sleep_wakes_them_or_does_without()
    {
        using var parallel = new RowParallel(2);
        for (int loop = 0; loop < 20; loop++)
        {
            Thread.Sleep(2);
            int rows = 0;
            parallel.For(64, 1, (first, end) => Interlocked.Add(ref rows, end - first));
            Assert.Equal(64, rows);
        }
    }
}
